// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

/// How willing this director is to be promoted, as a node attribute of Pacemaker's.
///
/// An instance of a promotable clone without a score is never promoted. Pacemaker's own program is started to tell it,
/// and only when the score changes.
struct PromotionScore {
    /// The score of an instance of which only a part runs.
    static let partly = 5
    private static let running = 100
    private static let receiving = 50
    private static let healthy = 20

    /// The heartbeat's socket unless it is told otherwise.
    private static let heartbeatSocket = "/run/vervet/heartbeat.sock"
    /// A score that comes a monitor later is better than a monitor that hangs.
    private static let patience = Duration.milliseconds(500)
    private static let program = "/usr/sbin/crm_attribute"

    private let environment: AgentEnvironment
    private let log: AgentLog

    init(_ environment: AgentEnvironment, _ log: AgentLog) {
        self.environment = environment
        self.log = log
    }

    /// Whether the instance belongs to a promotable clone.
    private var isPromotable: Bool { environment.meta("promoted_max") != nil || environment.meta("master_max") != nil }

    /// Tells a score unless it is the one told last.
    ///
    /// - Parameters:
    ///   - score: The score; nil takes it back.
    ///   - record: What was told last, changed when the new one was told.
    func tell(_ score: Int?, _ record: inout SyncdRecord) {
        guard isPromotable, score != record.score else {
            return
        }
        let words = [Self.program, "--promotion"] + (score.map { ["--update", "\($0)"] } ?? ["--delete"])
        do {
            let outcome = try ChildProcess.run(words, timeout: .seconds(8))
            guard outcome.status.isSuccess else {
                return log.warning("\(words.joined(separator: " ")): \(outcome.status) \(outcome.errorText)")
            }
            record.score = score
        } catch {
            log.warning("\(error): the promotion score stays as it is")
        }
    }

    /// Tells the score of an instance whose daemons run.
    ///
    /// - Parameters:
    ///   - settings: What runs.
    ///   - record: As for ``tell(_:_:)``.
    func tellRunning(_ settings: SyncdSettings, _ record: inout SyncdRecord) {
        guard isPromotable else {
            return
        }
        // Whom the kernel's own daemons hear cannot be told without reading the table.
        let relay = settings.relay.map { Self.ask($0.control) }
        tell(Self.score(relay: relay, heartbeat: Self.ask(Self.heartbeatSocket)), &record)
    }

    /// The score of an instance whose daemons run.
    ///
    /// - Parameters:
    ///   - relay: The relay's state; nil in it when it does not answer, nil without a relay.
    ///   - heartbeat: The heartbeat's state; nil when none answers.
    /// - Returns: 100; 50 more unless the relay still misses connections of others, 20 more when all designated links are
    ///   healthy.
    static func score(relay: JSONValue??, heartbeat: JSONValue?) -> Int {
        var score = running
        if relay.map({ $0?["joined"]?.boolean == true && $0?["resync"]?["settled"]?.boolean == true }) ?? true {
            score += receiving
        }
        let links = (heartbeat?["links"]?.elements ?? []).filter { $0["designated"]?.boolean == true }
        if !links.isEmpty, links.allSatisfy({ $0["health"]?.boolean == true }) {
            score += healthy
        }
        return score
    }

    private static func ask(_ socket: String) -> JSONValue? {
        (try? ControlClient(path: socket).ask("status json", timeout: patience)).flatMap(JSONValue.init(parsing:))
    }
}
