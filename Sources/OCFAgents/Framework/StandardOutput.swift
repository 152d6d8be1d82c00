// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Unbuffered writing to a descriptor, without the C library's streams.
public enum StandardOutput {
    /// Writes to standard output.
    public static func write(_ text: String) { write(text, to: 1) }

    /// Writes to standard error.
    public static func writeError(_ text: String) { write(text, to: 2) }

    /// Writes all of a text; gives up silently when nobody reads any more, which is the reader's choice.
    static func write(_ text: String, to descriptor: CInt) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                guard errno == EINTR else {
                    return
                }
            } else {
                rest = rest.dropFirst(count)
            }
        }
    }
}
