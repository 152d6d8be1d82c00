// SPDX-License-Identifier: Apache-2.0

/// How a program takes part in a process group.
public struct GroupConduct: Sendable {
    /// The group; the name is part of the protocol.
    public let group: String

    /// The name of the thread, at most 15 bytes (prctl(2), PR_SET_NAME).
    public let thread: String

    /// The first and the longest pause while the group takes nothing.
    public let retry: ClosedRange<Duration>

    /// Messages in a row before what came is taken.
    public let burst: Int

    /// Joins the parts.
    public init(
        group: String,
        thread: String,
        retry: ClosedRange<Duration> = .milliseconds(5) ... .milliseconds(50),
        burst: Int = .max
    ) {
        self.group = group
        self.thread = thread
        self.retry = retry
        self.burst = burst
    }
}
