// SPDX-License-Identifier: Apache-2.0

/// Which rule spoke about a designated link, and with it why a node is or is not at fault.
public enum VerdictReason: UInt8, Sendable, CaseIterable {
    /// Everybody hears everybody and as many pings answer everywhere.
    case ok = 1
    /// A node has no carrier or lost its address, another has both.
    case carrier = 2
    /// No node has carrier: the switch or the direct cable is dead, nowhere is better.
    case linkBoth = 4
    /// They hear each other, but fewer ping targets answer on one side.
    case pingFewer = 5
    /// They hear each other and no ping target answers anywhere: the targets are dead.
    case pingTargetsDead = 7
    /// They do not hear each other, and only one side reaches its ping targets.
    case cutAndPing = 8
    /// They do not hear each other, but both reach the world.
    case pathBetween = 10
    /// They do not hear each other and nobody reaches anything: the switch or the gateway is dead.
    case upstreamDead = 11
    /// They do not hear each other, there are no ping targets, and one receives nothing at all.
    case noReception = 12
    /// They do not hear each other and nothing tells them apart.
    case cutUndecided = 19
    /// One is not heard, and its pings are not answered either: it cannot send.
    case sendDead = 13
    /// One does not hear, and its pings are not answered either: it cannot receive.
    case receiveDead = 14
    /// One does not hear the other, but both reach the world.
    case oneWayPath = 15
    /// One does not hear the other, and nothing tells who is at fault.
    case oneWayUndecided = 16
    /// The other's daemon does not speak: only our own evidence about ourselves counts.
    case solo = 18
    /// No other node is a member.
    case alone = 20
    /// In a larger cluster: too few others are connected with the node while a majority is connected without it.
    case minority = 21
    /// In a larger cluster: no part of the nodes is a majority.
    case noMajority = 22

    /// The word in status, logs and documentation.
    public var name: String {
        switch self {
        case .ok: "ok"
        case .carrier: "carrier"
        case .linkBoth: "link-both"
        case .pingFewer: "ping-fewer"
        case .pingTargetsDead: "ping-targets-dead"
        case .cutAndPing: "cut-and-ping"
        case .pathBetween: "path-between"
        case .upstreamDead: "upstream-dead"
        case .noReception: "no-rx"
        case .cutUndecided: "cut-undecided"
        case .sendDead: "tx-dead"
        case .receiveDead: "rx-dead"
        case .oneWayPath: "one-way-path"
        case .oneWayUndecided: "one-way-undecided"
        case .solo: "solo"
        case .alone: "alone"
        case .minority: "minority"
        case .noMajority: "no-majority"
        }
    }

    /// Whether the link is whole as far as anyone can tell.
    public var isHealthy: Bool {
        switch self {
        case .ok, .alone, .solo: true
        default: false
        }
    }

    /// Whether the evidence is an event of the interface itself, which needs no second look.
    public var isImmediate: Bool { self == .carrier }
}
