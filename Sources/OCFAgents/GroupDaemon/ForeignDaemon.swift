// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

/// A daemon that systemd starts and ends: the agent only checks it.
///
/// What Pacemaker wants is kept in a file of its own, so that a resource that was stopped is not found running.
struct ForeignDaemon {
    /// How long start waits: systemd starts a daemon that has ended anew within a second or two.
    private static let startTime = Duration.seconds(15)
    private static let startPause: UInt32 = 200_000

    /// The process as the agent would look at it if it were its own.
    let daemon: GroupDaemon

    /// What starts it.
    let unit: String

    /// The file that exists while the resource is started; gone after a reboot.
    let mark: String

    /// Runs an action of an agent.
    ///
    /// - Parameters:
    ///   - action: The action.
    ///   - validate: Judges the parameters.
    /// - Returns: The exit code.
    /// - Throws: ``OCFError`` when the action failed.
    func run(_ action: AgentAction, validate: () throws(OCFError) -> Void) throws(OCFError) -> OCFExit {
        switch action {
        case .start:
            try validate()
            try start()
        case .stop:
            // A mark that is not there is as good as one that is gone.
            _ = unlink(mark)
        case .monitor, .status:
            guard access(mark, F_OK) == 0 else {
                return .notRunning
            }
            return try daemon.run(action, validate: validate)
        default: return try daemon.run(action, validate: validate)
        }
        return .success
    }

    private func start() throws(OCFError) {
        let deadline = Deadline(after: Self.startTime)
        while true {
            if try isReady(isLast: deadline.hasPassed) {
                break
            }
            _ = usleep(Self.startPause)
        }
        do {
            try TextFile.makeDirectory(directory)
            try TextFile.write(mark, "started\n")
        } catch {
            throw OCFError(.generic, "cannot note that the resource is started: \(error)")
        }
    }

    private var directory: String {
        mark.lastIndex(of: "/").map { String(mark[..<$0]) } ?? "/"
    }

    /// Whether it is as a start wants it.
    private func isReady(isLast: Bool) throws(OCFError) -> Bool {
        let name = daemon.process.name
        switch daemon.process.condition() {
        case .joined: return true
        case .separated(_, let reason):
            if isLast, daemon.mayJoinLater(reason) {
                daemon.log.warning("\(daemon.group) is not joined yet: \(reason)")
                return true
            }
            if isLast {
                throw OCFError(.generic, "\(name) does not join its group: \(reason)")
            }
        case .broken(let reason):
            if isLast {
                throw OCFError(.generic, reason)
            }
        case .stopped:
            if isLast {
                throw OCFError(.generic, "\(name) does not run; \"systemctl enable --now \(unit)\" starts it")
            }
        }
        return false
    }
}
