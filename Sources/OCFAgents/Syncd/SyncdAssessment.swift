// SPDX-License-Identifier: Apache-2.0
import IPVS

/// Compares what runs with what shall run; pure.
struct SyncdAssessment {
    /// How one wanted daemon stands.
    enum Verdict: Equatable {
        /// It runs as wanted.
        case good
        /// It does not run.
        case missing
        /// It is ours (same interface and syncid) but has to be restarted.
        case wrong([String])
        /// Somebody else's runs in its place.
        case foreign([String])
    }

    /// One verdict for each wanted daemon, in their order.
    let verdicts: [(daemon: SyncDaemon, verdict: Verdict)]

    /// Daemons of ours that run although the role does not ask for them.
    let surplus: [SyncDaemon.Role]

    /// Judges the wanted daemons.
    ///
    /// - Parameters:
    ///   - wanted: What shall run.
    ///   - others: What may run in the other role only.
    ///   - running: What the kernel reports.
    ///   - recorded: The interface's index when each was started, as far as known.
    ///   - indexes: The indexes that interfaces have now, by name; one that is missing is gone.
    init(
        _ wanted: [SyncDaemon],
        others: [SyncDaemon] = [],
        running: [SyncDaemon],
        recorded: [SyncDaemon.Role: UInt32],
        indexes: [String: UInt32]
    ) {
        verdicts = wanted.map { daemon in
            guard let found = running.first(where: { $0.role == daemon.role }) else {
                return (daemon, .missing)
            }
            var differences = daemon.differences(from: found)
            // The kernel's own choice is never that short: it is what `exposure` had, which is not wanted any more.
            if daemon.role == .master, daemon.maximumLength == nil, found.maximumLength == SyncdExposure.masterLength {
                differences.append("maxlen \(SyncdExposure.masterLength) instead of the kernel's choice")
            }
            if !found.isOfSameGroup(as: daemon) {
                return (daemon, .foreign(differences))
            }
            if let index = indexes[daemon.interface], index != 0 {
                if let started = recorded[daemon.role], started != index {
                    let change = "(index \(index), was \(started))"
                    differences.append("interface \(daemon.interface) is another one now \(change)")
                }
            } else {
                differences.append("interface \(daemon.interface) is gone")
            }
            return (daemon, differences.isEmpty ? .good : .wrong(differences))
        }
        surplus = others.filter { other in running.contains { $0.isOfSameGroup(as: other) } }.map(\.role)
    }

    /// What monitor answers.
    ///
    /// - Parameter isPromoted: The role.
    /// - Returns: 0 or 8 when all is well, 7 when nothing of ours runs, 1 or 9 for anything in between.
    func exit(isPromoted: Bool) -> OCFExit {
        if surplus.isEmpty, verdicts.allSatisfy({ $0.verdict == .good }) {
            return isPromoted ? .runningPromoted : .success
        }
        guard !surplus.isEmpty || verdicts.contains(where: { $0.verdict.isOurs }) else {
            return .notRunning
        }
        return isPromoted ? .failedPromoted : .generic
    }

    /// Whether somebody else's daemon stands in the place of a wanted one.
    var hasForeign: Bool {
        verdicts.contains { if case .foreign = $0.verdict { true } else { false } }
    }

    /// What is wrong, in one line; empty when nothing is.
    var complaint: String {
        let complaints: [String] = verdicts.compactMap { daemon, verdict in
            switch verdict {
            case .good: nil
            case .missing: "the sync \(daemon.role) does not run"
            case .wrong(let differences): "the sync \(daemon.role): \(differences.joined(separator: ", "))"
            case .foreign(let differences):
                "another sync \(daemon.role) runs: \(differences.joined(separator: ", "))"
            }
        }
        return (complaints + surplus.map { "the sync \($0) runs, which is for the other role" }).joined(separator: "; ")
    }
}

extension SyncDaemon {
    /// Whether another daemon of this kind carries the same group of directors: interface and syncid are the same.
    func isOfSameGroup(as other: SyncDaemon) -> Bool {
        role == other.role && interface == other.interface && syncID == other.syncID
    }
}

extension SyncdAssessment.Verdict {
    /// Whether a daemon of this resource runs.
    var isOurs: Bool {
        switch self {
        case .good, .wrong: true
        case .missing, .foreign: false
        }
    }
}
