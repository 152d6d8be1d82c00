// SPDX-License-Identifier: Apache-2.0
import Corosync
import Glibc
import LinuxKit

/// Gives node attributes to Pacemaker by attrd_updater(8), one after the other; the newest wish replaces older ones.
struct AttributeThread: Sendable {
    private enum Order: Sendable {
        case have([NodeAttribute], again: Bool)
    }

    private static let commandTimeout = Duration.seconds(5)
    private static let programs = ["/usr/sbin/attrd_updater", "/usr/bin/attrd_updater", "/sbin/attrd_updater"]

    private let events: EventMailbox
    private let orders: Mailbox<Order>

    init(events: EventMailbox) throws(SystemError) {
        self.events = events
        orders = try Mailbox()
    }

    /// Asks for attributes; `again` sets those too that are set already.
    func publish(_ attributes: [NodeAttribute], again: Bool) {
        orders.post(.have(attributes, again: again))
    }

    func start() {
        // Not a Corosync thread in itself, but a detached thread like all others.
        CorosyncThread.start("hb-attributes") { run() }
    }

    private func run() {
        var wanted: [NodeAttribute] = []
        var given: [String: String?] = [:]
        var pause = Duration.milliseconds(200)
        while true {
            orders.wait(
                given.isEmpty && wanted.isEmpty ? .seconds(3600) : hasWork(wanted, given) ? .zero : .seconds(3600)
            )
            take(&wanted, &given)
            guard let next = wanted.first(where: { given[$0.key] != .some($0.value) }) else {
                continue
            }
            let begin = MonotonicTime.now
            let failure = set(next)
            events.post(.attribute(next, failure: failure, took: .now - begin))
            if failure == nil {
                given[next.key] = .some(next.value)
                pause = .milliseconds(200)
            } else {
                orders.wait(pause)
                pause = min(pause * 2, .seconds(5))
            }
        }
    }

    private func hasWork(_ wanted: [NodeAttribute], _ given: [String: String?]) -> Bool {
        wanted.contains { given[$0.key] != .some($0.value) }
    }

    private func take(_ wanted: inout [NodeAttribute], _ given: inout [String: String?]) {
        for case .have(let attributes, let again) in orders.drain() {
            wanted = attributes
            if again {
                given = [:]
            } else {
                // What is not wanted any more may be wanted with the same value later.
                let keys = Set(attributes.map(\.key))
                given = given.filter { keys.contains($0.key) }
            }
        }
    }

    /// Nil, or why the attribute could not be set.
    private func set(_ attribute: NodeAttribute) -> String? {
        guard let program = Self.programs.first(where: { access($0, X_OK) == 0 }) else {
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
