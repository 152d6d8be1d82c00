// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

/// Reads a file of any length line by line, with a buffer of fixed size.
final class LineReader {
    private static let size = 1 << 18

    private let file: OwnedDescriptor
    private let path: String
    private var buffer = [UInt8](repeating: 0, count: size)
    private var lines: Range<Int> = 0..<0

    init(_ path: String) throws(SystemError) {
        self.path = path
        file = try OwnedDescriptor(opening: path, flags: O_RDONLY)
    }

    /// The next line without its end; nil at the end of the file.
    func next() throws(SystemError) -> ArraySlice<UInt8>? {
        while true {
            if let end = buffer[lines].firstIndex(of: 0x0a) {
                defer { lines = end + 1..<lines.upperBound }
                return buffer[lines.lowerBound..<end]
            }
            // What is left of an unfinished line moves to the front; a line as long as the buffer is nobody's.
            let rest = lines.count == buffer.count ? 0 : lines.count
            buffer.replaceSubrange(0..<rest, with: Array(buffer[lines].prefix(rest)))
            let raw = file.raw
            let room = buffer.count - rest
            let count = try systemCall("read", path) {
                buffer.withUnsafeMutableBytes { read(raw, $0.baseAddress?.advanced(by: rest), room) }
            }
            lines = 0..<rest + count
            if count == 0 {
                return nil
            }
        }
    }
}
