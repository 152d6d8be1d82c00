// SPDX-License-Identifier: Apache-2.0

/// Exit codes of the OCF resource agent API, as Pacemaker reads them.
public enum OCFExit: Int32, Sendable, Hashable {
    /// The action succeeded; for monitor: running.
    case success = 0

    /// The action failed in a way that a restart on this node may mend.
    case generic = 1

    /// The parameters are wrong for this node: Pacemaker does not try this node again.
    case arguments = 2

    /// The agent does not offer the action.
    case unimplemented = 3

    /// The agent lacks a privilege.
    case permission = 4

    /// Something the resource needs is missing on this node.
    case installed = 5

    /// The parameters are wrong on every node: Pacemaker bans the resource everywhere.
    case configured = 6

    /// Cleanly stopped. Only monitor and status may answer this, never stop.
    case notRunning = 7

    /// Running in the promoted role.
    case runningPromoted = 8

    /// Failed in the promoted role.
    case failedPromoted = 9

    /// Running, with reduced quality (OCF 1.1, monitor only).
    case degraded = 190

    /// Promoted, with reduced quality (OCF 1.1, monitor only).
    case degradedPromoted = 191
}
