// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

/// The number of connections that IPVS has scheduled since its counters were last zeroed.
enum ScheduledConnections {
    /// The counters of the single processors.
    ///
    /// The totals, here, in `ip_vs_stats` and by netlink, are summed up only every two seconds, by the kernel's
    /// estimator; these are of this moment.
    private static let path = "/proc/net/ip_vs_stats_percpu"

    /// A line of up to 70 bytes for each processor that may come, and some for the headings and the total.
    private static let limit = 2048 + 80 * max(1, sysconf(CInt(_SC_NPROCESSORS_CONF)))

    /// Reads it from the kernel; nil when ip_vs is not loaded.
    static func total() -> UInt64? {
        guard let text = try? TextFile.read(path, limit: limit) else {
            return nil
        }
        return total(text)
    }

    /// Adds up the second column of `/proc/net/ip_vs_stats_percpu`, in hexadecimal, of the lines that begin with a
    /// processor's number; the line of the total begins with `~` and ends them.
    static func total(_ text: String) -> UInt64? {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let end = lines.firstIndex(where: { $0.split(separator: " ").first == "~" }) else {
            return nil
        }
        var sum: UInt64 = 0
        for line in lines[..<end] {
            let words = line.split(separator: " ", maxSplits: 2)
            // The two lines of headings begin with words that are no hexadecimal numbers.
            guard words.count == 3, UInt32(words[0], radix: 16) != nil, let count = UInt64(words[1], radix: 16) else {
                continue
            }
            sum &+= count
        }
        return sum
    }
}
