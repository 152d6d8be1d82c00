// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// The number of connections that IPVS has scheduled since its counters were last zeroed.
enum ScheduledConnections {
    /// Reads it from the kernel; nil when ip_vs is not loaded.
    static func total() -> UInt64? {
        guard let text = try? TextFile.read("/proc/net/ip_vs_stats", limit: 4096) else {
            return nil
        }
        return total(text)
    }

    /// Finds it in the text of `/proc/net/ip_vs_stats`: the first hexadecimal number of the third line.
    static func total(_ text: String) -> UInt64? {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count > 2, let word = lines[2].split(separator: " ").first else {
            return nil
        }
        return UInt64(word, radix: 16)
    }
}
