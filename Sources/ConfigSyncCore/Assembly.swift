// SPDX-License-Identifier: Apache-2.0

/// A file that arrives in parts, in order, from one sender.
struct Assembly: Hashable, Sendable {
    /// Who sends it.
    let sender: NodeID

    /// The start of the sender that sends it.
    let incarnation: UInt64

    /// The sender's number of it.
    let transfer: UInt64

    /// The version whose content it is.
    let head: Head

    /// The sender's mode bits of the file.
    let mode: UInt16

    /// How many bytes are to come.
    let size: Int

    /// What has come.
    private(set) var bytes: [UInt8] = []

    init(sender: NodeID, incarnation: UInt64, transfer: UInt64, head: Head, mode: UInt16, size: Int) {
        self.sender = sender
        self.incarnation = incarnation
        self.transfer = transfer
        self.head = head
        self.mode = mode
        self.size = size
        bytes.reserveCapacity(min(size, Message.fileLimit))
    }

    /// Whether all of it is there.
    var isComplete: Bool { bytes.count == size }

    /// Whether it is what the version says.
    var isIntact: Bool { isComplete && ContentDigest(of: bytes) == head.version.content }

    /// Appends a part; false when it does not continue what is there.
    mutating func append(_ run: [UInt8], at offset: UInt32) -> Bool {
        guard Int(offset) == bytes.count, bytes.count + run.count <= size else {
            return false
        }
        bytes += run
        return true
    }
}
