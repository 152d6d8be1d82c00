// SPDX-License-Identifier: Apache-2.0
import Corosync
import Glibc
import LinuxKit

/// Gives node attributes to Pacemaker by attrd_updater(8), one after the other, and looks whether they have arrived in the
/// cluster's status; the newest wish replaces older ones.
struct AttributeThread: Sendable {
    private enum Order: Sendable {
        case have([NodeAttribute], of: NodeID, again: Bool)
    }

    /// A look at the status that is to come.
    private struct Look {
        let since: MonotonicTime
        var due: MonotonicTime
        var misses = 0
    }

    private static let commandTimeout = Duration.seconds(5)
    private static let firstPause = Duration.milliseconds(200)
    private static let longestPause = Duration.seconds(5)

    /// How long after the last attribute was given it must have arrived, and after each time that it had not.
    private static let arrival: [Duration] = [
        .milliseconds(100), .milliseconds(400), .seconds(1), .seconds(2), .seconds(4),
    ]

    /// So often something may be missing before it is written once more.
    private static let patience = 2
    private static let directories = ["/usr/sbin/", "/usr/bin/", "/sbin/"]

    private let events: EventMailbox
    private let orders: Mailbox<Order>

    init(events: EventMailbox) throws(SystemError) {
        self.events = events
        orders = try Mailbox()
    }

    /// Asks for attributes; `again` sets those too that are set already.
    func publish(_ attributes: [NodeAttribute], of node: NodeID, again: Bool) {
        orders.post(.have(attributes, of: node, again: again))
    }

    func start() {
        // Not a Corosync thread in itself, but a detached thread like all others.
        CorosyncThread.start("hb-attributes") { run() }
    }

    private func run() {
        var wanted: [NodeAttribute] = []
        var given: [String: String?] = [:]
        var node: NodeID = 0
        var pause = Self.firstPause
        var look: Look?
        while true {
            let idle = look.map { max(.zero, $0.due - .now) } ?? .seconds(3600)
            orders.wait(hasWork(wanted, given) ? .zero : idle)
            take(&wanted, &given, &node)
            if let next = wanted.first(where: { given[$0.key] != .some($0.value) }) {
                let begin = MonotonicTime.now
                let failure = set(next)
                let end = MonotonicTime.now
                events.post(.attribute(next, failure: failure))
                if failure == nil {
                    given[next.key] = .some(next.value)
                    pause = Self.firstPause
                    look = Look(since: look?.since ?? begin, due: end + Self.arrival[0])
                } else {
                    orders.wait(pause)
                    pause = min(pause * 2, Self.longestPause)
                }
            } else if let now = look, now.due <= .now {
                look = verify(wanted, node, now)
            }
        }
    }

    private func hasWork(_ wanted: [NodeAttribute], _ given: [String: String?]) -> Bool {
        wanted.contains { given[$0.key] != .some($0.value) }
    }

    private func take(_ wanted: inout [NodeAttribute], _ given: inout [String: String?], _ node: inout NodeID) {
        for case .have(let attributes, let owner, let again) in orders.drain() {
            wanted = attributes
            node = owner
            if again {
                given = [:]
            } else {
                // What is not wanted any more may be wanted with the same value later.
                let keys = Set(attributes.map(\.key))
                given = given.filter { keys.contains($0.key) }
            }
        }
    }

    /// Looks whether the status has what was given; what it lacks is written once more, as nobody else would do it:
    /// Pacemaker's attribute daemon takes no notice of a value that it has.
    ///
    /// - Returns: The next look; nil when all has arrived, or will not.
    private func verify(_ wanted: [NodeAttribute], _ node: NodeID, _ look: Look) -> Look? {
        // Private ones never get there; of another node's only its own heartbeat knows the number.
        let visible = wanted.filter { !$0.isPrivate && $0.node == nil }
        guard let status = query() else {
            return retry(look)
        }
        let missing = visible.filter { !status.has($0, of: node) }
        guard missing.isEmpty || look.misses >= Self.patience else {
            // Still on its way: where a link has just died, more messages would only hold up the first.
            return retry(look)
        }
        let arrived = wanted.filter { attribute in !missing.contains(attribute) }
        events.post(.attributesArrived(arrived, missing: missing, took: .now - look.since))
        guard !missing.isEmpty else {
            return nil
        }
        if let program = Self.program("attrd_updater") {
            // What it could not do is seen with the next look.
            _ = try? ChildProcess.run([program, "--refresh"], timeout: Self.commandTimeout, limit: 1024)
        }
        return retry(look)
    }

    private func retry(_ look: Look) -> Look? {
        guard look.misses + 1 < Self.arrival.count else {
            return nil
        }
        return Look(since: look.since, due: .now + Self.arrival[look.misses + 1], misses: look.misses + 1)
    }

    /// The attributes in the status; nil when the cluster does not tell.
    private func query() -> TransientAttributes? {
        guard let program = Self.program("cibadmin"),
            let outcome = try? ChildProcess.run(
                [program, "--query", "--local", "--xpath", "//transient_attributes"],
                timeout: Self.commandTimeout,
                limit: 1 << 20
            ), !outcome.timedOut
        else {
            return nil
        }
        // crm/common/results.h, CRM_EX_NOSUCH: the status has none at all.
        guard outcome.status.isSuccess || outcome.status == .exited(105) else {
            return nil
        }
        return TransientAttributes(status: outcome.outputText)
    }

    private static func program(_ name: String) -> String? {
        directories.lazy.map { $0 + name }.first { access($0, X_OK) == 0 }
    }

    /// Nil, or why the attribute could not be set.
    private func set(_ attribute: NodeAttribute) -> String? {
        guard let program = Self.program("attrd_updater") else {
            return "attrd_updater is not installed (package pacemaker-cli-utils)"
        }
        do throws(SystemError) {
            let change = attribute.value.map { ["-U", $0, "-d", "0"] } ?? ["-D"]
            let options = (attribute.isPrivate ? ["-p"] : []) + (attribute.node.map { ["-N", $0] } ?? [])
            let command = [program, "-n", attribute.name] + change + options
            let outcome = try ChildProcess.run(command, timeout: Self.commandTimeout, limit: 1024)
            if outcome.timedOut {
                return "attrd_updater did not end within \(Self.commandTimeout)"
            }
            guard outcome.status.isSuccess else {
                return "attrd_updater: \(outcome.status) \(outcome.errorText)"
            }
            return nil
        } catch {
            return error.description
        }
    }
}
