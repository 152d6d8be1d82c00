// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc

/// What keeps a thread in time on a machine that is short of time and memory; all of it is optional.
enum RealTime {
    /// Linux 4.4: pages are locked as they are first touched, so that unused stack costs nothing.
    private static let lockOnFault: CInt = 4

    /// Gives the calling thread SCHED_RR (sched(7)); needs CAP_SYS_NICE or RLIMIT_RTPRIO.
    ///
    /// - Parameter priority: Low among the real-time priorities: above everything ordinary, below what the kernel needs
    ///   itself; nil for none.
    /// - Returns: Whether it was allowed.
    static func raiseThread(_ priority: Int?) -> Bool {
        guard let priority else {
            return true
        }
        var parameters = sched_param()
        parameters.sched_priority = CInt(priority)
        return pthread_setschedparam(pthread_self(), SCHED_RR, &parameters) == 0
    }

    /// Keeps what the threads will touch out of swap (mlockall(2)); needs CAP_IPC_LOCK or RLIMIT_MEMLOCK.
    ///
    /// - Returns: Whether it was allowed.
    static func lockMemory() -> Bool { mlockall(MCL_FUTURE | lockOnFault) == 0 }

    /// Lets go of the code that only the start needed, and keeps what is used from now on.
    static func lockCode() {
        vervet_forget_code()
        // Without the right to do so the status has said it already.
        _ = mlockall(MCL_CURRENT | MCL_FUTURE | lockOnFault)
    }
}
