// SPDX-License-Identifier: Apache-2.0

/// The times and limits by which silence becomes a verdict and a verdict becomes an attribute.
public struct LinkTimers: Equatable, Sendable {
    /// Interval of probes and pings; a shorter one finds silence sooner and costs packets.
    public var keepalive = Duration.milliseconds(200)

    /// Silence after which a probe counts as late: a warning, no change.
    public var warntime = Duration.milliseconds(500)

    /// Silence after which a direction is down: three missed probes and 200 ms for the way.
    public var deadtime = Duration.milliseconds(800)

    /// Silence after which a ping target does not answer; nil for ``deadtime``.
    public var pingDeadtime: Duration?

    /// How long a link must be good without a break before it counts as up again.
    public var uptimeHold = Duration.seconds(5)

    /// Loss in per mille over three seconds that counts as down; 0 switches the rule off.
    public var lossDownPermille = 400

    /// Loss in per mille over ten seconds below which a link may be up again.
    public var lossUpPermille = 50

    /// So many downs in a minute begin a hold-down of a minute, doubling up to ten minutes.
    public var flapLimit = 3

    /// How long a fault verdict about anything but an interface's own state is not believed after the start.
    public var initdead = Duration.seconds(15)

    /// How long a fault verdict must stay the same before it is published; a lost carrier a little sooner.
    public var settle = Duration.milliseconds(300)

    /// How long a lost carrier must last before it is published: a switch that dies takes those of all directors, within a
    /// fraction of a second, and then a move would only lead to another dead interface.
    public var carrierSettle = Duration.milliseconds(250)

    /// How long fewer pings must answer here than elsewhere, while all hear each other, before that is published.
    ///
    /// On a link that loses packets the target's own search for our hardware address (ARP: tries a second apart) may fail
    /// and keep its answers back for seconds, though nothing is cut.
    public var pingConfirm = Duration.seconds(5)

    /// How long our own pings must be dead before we accuse ourselves while the peer's daemon is silent.
    public var soloConfirm = Duration.seconds(5)

    /// Age from which a peer's view is unknown.
    public var viewLimit = Duration.milliseconds(3200)

    /// The defaults.
    public init() {}

    /// How long a fault must last before it is published, by the rule that found it.
    func patience(with reason: VerdictReason, policy: HeartbeatConfiguration.Policy = .table) -> Duration {
        switch reason {
        case .pingFewer where policy == .ipfail: keepalive * 2
        case .pingFewer: pingConfirm
        case .carrier: carrierSettle
        default: settle
        }
    }
}
