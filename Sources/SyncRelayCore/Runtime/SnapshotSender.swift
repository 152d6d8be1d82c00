// SPDX-License-Identifier: Apache-2.0
import Corosync
import Glibc
import LinuxKit

/// Sends the parts of a snapshot no faster than agreed, and not at all when nobody takes them.
struct SnapshotSender {
    private static let length = 8192
    private static let patience = Duration.seconds(5)
    /// The longest silence: who asked gives up after some seconds.
    private static let silence = Duration.seconds(1)

    private let id: RelayEnvelope.SnapshotID
    private let template: RelayEnvelope
    private let outbox: GroupOutbox<RelayQueue>
    private var bucket: TokenBucket
    private var datagrams: [[UInt8]] = []
    private var room = SnapshotSender.free
    private var parts: UInt32 = 0
    private var isGivenUp = false
    private var sentAt = SuspendingClock.now

    /// Room for datagrams in one part.
    private static var free: Int { length - RelayEnvelope.headerLength - 8 }

    init(_ id: RelayEnvelope.SnapshotID, _ template: RelayEnvelope, _ outbox: GroupOutbox<RelayQueue>, rate: Double) {
        self.id = id
        self.template = template
        self.outbox = outbox
        bucket = TokenBucket(rate: rate, size: rate / 20)
    }

    mutating func add(_ datagram: [UInt8]) {
        let needed = RelayEnvelope.room(for: datagram.count)
        if needed > room {
            flush()
        }
        datagrams.append(datagram)
        room -= needed
    }

    /// Sends a part, be it empty, when none was sent for a while: a long table may have little that was asked for.
    mutating func showProgress() {
        if SuspendingClock.now - sentAt >= Self.silence {
            flush(evenEmpty: true)
        }
    }

    mutating func end(records: UInt32, skipped: UInt32) {
        flush()
        send(.snapshotEnd(id, parts: parts, records: records, skipped: skipped))
    }

    private mutating func flush(evenEmpty: Bool = false) {
        guard !datagrams.isEmpty || evenEmpty else {
            return
        }
        sentAt = .now
        parts += 1
        send(.snapshotData(id, datagrams))
        datagrams = []
        room = Self.free
    }

    private mutating func send(_ content: RelayEnvelope.Content) {
        guard !isGivenUp else {
            return
        }
        var envelope = template
        envelope.content = content
        let bytes = envelope.bytes
        while !bucket.take(Double(bytes.count), at: .now) {
            pause(bucket.wait(at: .now))
        }
        let deadline = Deadline(after: Self.patience)
        while !outbox.add(.snapshot(bytes)) {
            guard !deadline.hasPassed else {
                // Who asked will ask again.
                isGivenUp = true
                return
            }
            pause(.milliseconds(5))
        }
    }

    private func pause(_ time: Duration) {
        // Waking early by a signal does no harm here.
        _ = usleep(UInt32(clamping: Int(time / .microseconds(1))))
    }
}
