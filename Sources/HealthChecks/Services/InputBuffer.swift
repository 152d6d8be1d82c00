// SPDX-License-Identifier: Apache-2.0

/// Bytes of a server that wait for the rest of their message; what one check takes in is bounded.
struct InputBuffer {
    private var bytes: [UInt8] = []
    private var start = 0
    private var total = 0
    private let limit: Int

    /// - Parameter limit: Bytes that the server may send in the whole talk.
    init(limit: Int) { self.limit = limit }

    /// What came and is not consumed.
    var available: ArraySlice<UInt8> { bytes[start...] }

    /// Adds what came.
    mutating func append(_ portion: ArraySlice<UInt8>) throws(ServiceFault) {
        guard portion.count <= limit - total else {
            throw ServiceFault("server sent more than \(limit) bytes")
        }
        total += portion.count
        // Moving the rest forward only when at least half is used up keeps the work linear.
        if start * 2 >= bytes.count {
            bytes.removeSubrange(..<start)
            start = 0
        }
        bytes += portion
    }

    /// Drops bytes from the front; more than there are drops all.
    mutating func consume(_ count: Int) { start += max(0, min(count, bytes.count - start)) }

    /// Drops everything.
    mutating func clear() { consume(bytes.count) }
}
