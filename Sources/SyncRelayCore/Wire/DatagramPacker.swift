// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// Packs records of version 1 into as few datagrams as possible, so that the kernel's receiver has fewer to take.
public struct DatagramPacker: Sendable {
    /// The usual length of a datagram: a full frame, as the kernel's own sender makes them.
    public static let usualLength = 1400

    private let syncID: UInt8
    private let limit: Int
    private var writer = ByteWriter()
    private var count: UInt8 = 0

    /// Begins with nothing.
    ///
    /// - Parameters:
    ///   - syncID: The id in every header.
    ///   - limit: The longest payload in bytes; a single record that is longer gets one of its own.
    public init(syncID: UInt8, limit: Int = DatagramPacker.usualLength) {
        self.syncID = syncID
        self.limit = limit
    }

    /// Adds a record.
    ///
    /// - Parameter record: Its bytes without padding.
    /// - Returns: A datagram that was full and is to be sent first, or nil.
    public mutating func add(_ record: some Collection<UInt8>) -> [UInt8]? {
        var full: [UInt8]?
        let start = (writer.bytes.count + 3) & ~3
        if count > 0, start + record.count > limit || count == .max {
            full = finish()
        }
        if count == 0 {
            writer = ByteWriter(reservingCapacity: limit)
            writer.write([0, syncID, 0, 0, 0, 1, 0, 0])
        }
        writer.align(to: 4)
        writer.write(record)
        count += 1
        return full
    }

    /// Ends the datagram that was begun.
    ///
    /// - Returns: It, or nil when there is none.
    public mutating func finish() -> [UInt8]? {
        guard count > 0 else {
            return nil
        }
        writer.patchBigEndian(UInt16(writer.bytes.count), at: 2)
        writer.patchBigEndian(count, at: 4)
        defer {
            writer = ByteWriter()
            count = 0
        }
        return writer.bytes
    }
}
