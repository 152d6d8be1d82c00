// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

/// Whole files as bytes.
enum FileContent {
    /// The content of a file, at most `limit` bytes of it; nil when it cannot be read.
    static func read(_ path: String, limit: Int) -> [UInt8]? {
        do {
            return try load(path, limit: limit)
        } catch {
            return nil
        }
    }

    /// The content of a file.
    ///
    /// - Throws: ``SystemError``; EFBIG for a file longer than `limit`.
    static func load(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        let file = try OwnedDescriptor(opening: path, flags: O_RDONLY | O_NONBLOCK)
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = try systemCall("read", path) { Glibc.read(file.raw, &chunk, chunk.count) }
            guard count > 0 else {
                return content
            }
            guard content.count + count <= limit else {
                throw SystemError(operation: "read", subject: path, code: EFBIG)
            }
            content += chunk.prefix(count)
        }
    }
}
