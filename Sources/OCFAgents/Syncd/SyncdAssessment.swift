// SPDX-License-Identifier: Apache-2.0
import IPVS

/// Compares what runs with what shall run; pure.
struct SyncdAssessment: Equatable {
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

    /// Judges the wanted daemons.
    ///
    /// - Parameters:
    ///   - wanted: What shall run.
    ///   - running: What the kernel reports.
    ///   - recorded: The interface's index when each was started, as far as known.
    ///   - index: The interface's index now; 0 when there is no such interface.
    init(
        _ wanted: [SyncDaemon],
        running: [SyncDaemon],
        recorded: [SyncDaemon.Role: UInt32],
        index: UInt32
    ) {
        verdicts = wanted.map { daemon in
            guard let found = running.first(where: { $0.role == daemon.role }) else {
                return (daemon, .missing)
            }
            var differences = daemon.differences(from: found)
            if found.interface != daemon.interface || found.syncID != daemon.syncID {
                return (daemon, .foreign(differences))
            }
            if index == 0 {
                differences.append("interface \(daemon.interface) is gone")
            } else if let started = recorded[daemon.role], started != index {
                differences.append("interface \(daemon.interface) is another one now (index \(index), was \(started))")
            }
            return (daemon, differences.isEmpty ? .good : .wrong(differences))
        }
    }

    /// What monitor answers: 0 all is well, 7 nothing of ours runs, 1 anything in between.
    var exit: OCFExit {
        if verdicts.allSatisfy({ $0.verdict == .good }) {
            return .success
        }
        return verdicts.contains { $0.verdict.isOurs } ? .generic : .notRunning
    }

    /// Whether somebody else's daemon stands in the place of a wanted one.
    var hasForeign: Bool {
        verdicts.contains { if case .foreign = $0.verdict { true } else { false } }
    }

    /// What is wrong, in one line; empty when nothing is.
    var complaint: String {
        verdicts.compactMap { daemon, verdict in
            switch verdict {
            case .good: nil
            case .missing: "the sync \(daemon.role) does not run"
            case .wrong(let differences): "the sync \(daemon.role): \(differences.joined(separator: ", "))"
            case .foreign(let differences):
                "another sync \(daemon.role) runs: \(differences.joined(separator: ", "))"
            }
        }.joined(separator: "; ")
    }

    static func == (left: SyncdAssessment, right: SyncdAssessment) -> Bool {
        left.verdicts.elementsEqual(right.verdicts) { $0.daemon == $1.daemon && $0.verdict == $1.verdict }
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
