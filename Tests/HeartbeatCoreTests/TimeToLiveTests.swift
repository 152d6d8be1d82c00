// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import HeartbeatCore

/// Control messages of recvmsg(2) as the kernel lays them out.
@Suite struct TimeToLiveTests {
    /// Length, level and type, the value, and what fills up to the next one.
    private func message(_ level: Int, _ type: CInt, _ value: CInt, length: Int = 20) -> [UInt8] {
        var bytes: [UInt8] = []
        withUnsafeBytes(of: length) { bytes += $0 }
        for word in [CInt(level), type, value, 0] {
            withUnsafeBytes(of: word) { bytes += $0 }
        }
        return bytes
    }

    private func timeToLive(_ bytes: [UInt8]) -> UInt8? {
        bytes.withUnsafeBytes { ControlMessages.read($0).timeToLive }
    }

    @Test func bothFamilies() {
        #expect(timeToLive(message(IPPROTO_IP, IP_TTL, 1)) == 1)
        #expect(timeToLive(message(IPPROTO_IPV6, IPV6_HOPLIMIT, 64)) == 64)
        #expect(timeToLive(Array(message(IPPROTO_IP, IP_TTL, 255).prefix(20))) == 255)
    }

    @Test func othersAreSkipped() {
        let other = message(Int(SOL_SOCKET), SO_TIMESTAMP, 7)
        #expect(timeToLive(other + message(IPPROTO_IP, IP_TTL, 3)) == 3)
        #expect(timeToLive(other) == nil)
        #expect(timeToLive([]) == nil)
    }

    @Test func arrival() {
        var stamp: [UInt8] = []
        withUnsafeBytes(of: 32) { stamp += $0 }
        for word in [SOL_SOCKET, SO_TIMESTAMPNS] {
            withUnsafeBytes(of: word) { stamp += $0 }
        }
        withUnsafeBytes(of: timespec(tv_sec: 7, tv_nsec: 9)) { stamp += $0 }
        let both = (stamp + message(IPPROTO_IP, IP_TTL, 1)).withUnsafeBytes { ControlMessages.read($0) }
        #expect(both == ControlMessages(timeToLive: 1, arrived: 7_000_000_009))
        stamp[0] = 24
        #expect(stamp.withUnsafeBytes { ControlMessages.read($0).arrived } == nil, "too short for a time")
    }

    @Test func impossibleLengthsEndIt() {
        for length in [0, 15, 19, 25, Int.max, -1] {
            #expect(timeToLive(message(IPPROTO_IP, IP_TTL, 3, length: length)) == nil, "\(length)")
        }
    }

    @Test func noiseNeverTraps() {
        var generator = SeededGenerator(seed: 21)
        for _ in 0..<20_000 {
            var bytes = message(IPPROTO_IP, IP_TTL, 3) + message(Int(SOL_SOCKET), 1, 1)
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            _ = timeToLive(Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &generator))))
        }
    }
}
