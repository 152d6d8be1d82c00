// SPDX-License-Identifier: Apache-2.0

/// What takes messages for a group.
protocol MessageSink: ~Copyable {
    /// Takes a message, or throws; `.tryAgain` is not the end.
    borrowing func multicast(_ message: [UInt8]) throws(CorosyncError)
}

extension ProcessGroup: MessageSink {}

/// One turn of sending at a time: as much as the group takes, but only so much before what came is looked at.
struct SendTurn: Sendable {
    /// How a turn ended.
    enum Outcome: Equatable, Sendable {
        /// Nothing waits.
        case done
        /// The turn was full: go on after this pause, or sooner when something comes.
        case more(Duration)
        /// The group takes nothing now: try again after this pause, or sooner when something comes.
        case refused(Duration)

        /// How long to wait for other things; nil without a limit.
        var pause: Duration? {
            switch self {
            case .done: nil
            case .more(let pause), .refused(let pause): pause
            }
        }
    }

    private let burst: Int
    private var retry: RetryPause

    init(retry: ClosedRange<Duration>, burst: Int) {
        self.retry = RetryPause(retry)
        self.burst = burst
    }

    /// Sends what waits.
    mutating func run<Queue>(
        _ outbox: GroupOutbox<Queue>,
        into sink: borrowing some MessageSink & ~Copyable
    ) throws(CorosyncError) -> Outcome {
        for sent in 0..<burst {
            guard let message = outbox.next() else {
                retry.reset()
                return .done
            }
            do throws(CorosyncError) {
                try sink.multicast(message.bytes)
            } catch {
                guard error.kind == .tryAgain else {
                    throw error
                }
                outbox.putBack(message)
                if sent > 0 {
                    retry.reset()
                }
                return .refused(retry.next())
            }
        }
        retry.reset()
        return outbox.inspect(\.isEmpty) ? .done : .more(retry.shortest)
    }
}
