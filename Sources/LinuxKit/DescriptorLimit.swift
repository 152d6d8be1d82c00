// SPDX-License-Identifier: Apache-2.0
import Glibc

/// How many descriptors this process may have open.
public enum DescriptorLimit {
    /// Raises the soft limit as far as the hard one allows, to `wanted` at most; what is higher already stays.
    ///
    /// - Returns: The limit in force.
    @discardableResult
    public static func raise(to wanted: Int) -> Int {
        var limit = rlimit()
        // Cannot fail for a resource that exists (getrlimit(2)).
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return 1024
        }
        let before = limit.rlim_cur
        limit.rlim_cur = max(before, min(limit.rlim_max, rlim_t(wanted)))
        if limit.rlim_cur > before, setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 {
            limit.rlim_cur = before
        }
        return Int(clamping: limit.rlim_cur)
    }
}
