// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// An event with the time at which it happened.
struct TimedEvent: Sendable {
    let event: HeartbeatEvent
    let time: MonotonicTime
}

/// Where all threads tell the coordinator what happened.
typealias EventMailbox = Mailbox<TimedEvent>

extension Mailbox where Element == TimedEvent {
    func post(_ event: HeartbeatEvent, at time: MonotonicTime = .now) {
        post(TimedEvent(event: event, time: time))
    }

    /// For what happens many times a second and is looked at with the clock anyway.
    func postQuietly(_ event: HeartbeatEvent, at time: MonotonicTime = .now) {
        postQuietly(TimedEvent(event: event, time: time))
    }
}
