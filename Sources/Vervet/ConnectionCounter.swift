// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import VervetCore

/// Counts connections by their origin, a large table at most every 30 seconds, whoever asks how often.
struct ConnectionCounter {
    private static let table = "/proc/net/ip_vs_conn_sync"
    private static let memory = "/run/vervet/vervet.connections"
    private static let interval: Int64 = 30
    /// What a count may take to be made again whenever somebody asks.
    private static let cheap = Duration.milliseconds(50)
    private static let limit = Duration.seconds(1)
    private static let chunk = 1 << 18

    func count() -> ConnectionCount? {
        if let former = remembered {
            return former
        }
        guard let file = try? OwnedDescriptor(opening: Self.table, flags: O_RDONLY) else {
            return nil
        }
        let start = SuspendingClock.now
        var count = ConnectionCount()
        var buffer = [UInt8](repeating: 0, count: Self.chunk)
        while true {
            guard let length = try? systemCall("read", Self.table, { read(file.raw, &buffer, buffer.count) }),
                length > 0
            else {
                break
            }
            count.add(buffer.prefix(length))
            if SuspendingClock.now - start > Self.limit {
                count.isPartial = true
                break
            }
        }
        if SuspendingClock.now - start > Self.cheap {
            remember(count)
        }
        return count
    }

    private var remembered: ConnectionCount? {
        guard let text = try? TextFile.read(Self.memory, limit: 256) else {
            return nil
        }
        let words = text.split(separator: " ").compactMap { Int64($0.filter { !$0.isWhitespace }) }
        guard words.count == 4, (0..<Self.interval).contains(Self.now - words[0]) else {
            return nil
        }
        var count = ConnectionCount(
            local: Int(words[1]),
            synchronised: Int(words[2]),
            age: .seconds(Self.now - words[0])
        )
        count.isPartial = words[3] != 0
        return count
    }

    /// The directory is root's; who cannot write there counts anew.
    private func remember(_ count: ConnectionCount) {
        let text = "\(Self.now) \(count.local) \(count.synchronised) \(count.isPartial ? 1 : 0)\n"
        try? TextFile.write(Self.memory, text)
    }

    private static var now: Int64 {
        var time = timespec()
        // Cannot fail: the clock exists (clock_gettime(2)).
        _ = clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec)
    }
}
