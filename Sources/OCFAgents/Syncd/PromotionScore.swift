// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

/// How willing this director is to be promoted, as a node attribute of Pacemaker's.
///
/// An instance of a promotable clone without a score is never promoted. Pacemaker's own program is started to tell it,
/// and only when the score changes.
struct PromotionScore {
    /// The score of an instance whose daemons run.
    static let running = 100

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
}
