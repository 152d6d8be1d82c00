// SPDX-License-Identifier: Apache-2.0

/// Cuts what a server sends into lines, with bounded memory.
struct LineBuffer {
    /// Bytes of one line.
    static let lineLimit = 4096

    /// Bytes of all lines.
    static let totalLimit = 65536

    /// A server that sends more than any honest one would.
    struct Excess: Error, Equatable, CustomStringConvertible {
        let description: String
    }

    private var pending: [UInt8] = []
    private var total = 0

    /// Takes bytes; ``next()`` gives the lines.
    mutating func append(_ bytes: ArraySlice<UInt8>) throws(Excess) {
        total += bytes.count
        guard total <= Self.totalLimit else {
            throw Excess(description: "server sent more than \(Self.totalLimit) bytes")
        }
        pending.append(contentsOf: bytes)
    }

    /// The next whole line without its end; nil when more must come.
    mutating func next() throws(Excess) -> String? {
        let end = pending.firstIndex(of: UInt8(ascii: "\n"))
        guard (end ?? pending.count) <= Self.lineLimit else {
            throw Excess(description: "server sent a line longer than \(Self.lineLimit) bytes")
        }
        guard let end else {
            return nil
        }
        var line = pending[..<end]
        if line.last == UInt8(ascii: "\r") {
            line.removeLast()
        }
        let text = String(decoding: line, as: UTF8.self)
        pending.removeSubrange(...end)
        return text
    }

    /// Forgets what came ahead of its turn.
    mutating func discard() { pending.removeAll(keepingCapacity: true) }
}
