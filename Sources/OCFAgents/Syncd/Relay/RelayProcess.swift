// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

/// The relay as the agent of the daemons runs it.
struct RelayProcess {
    /// How long a running relay may be without Corosync before it counts as failed.
    private static let separationLimit = 30
    private static let joinTime = Duration.seconds(8)

    let settings: SyncdRelaySettings

    private var process: DaemonProcess { DaemonProcess(name: "the relay", controlPath: settings.control) }

    /// What a monitor complains about; nil when all is well.
    var complaint: String? {
        switch process.condition() {
        case .joined: nil
        case .stopped: "the relay does not run"
        case .separated(let seconds, let reason):
            seconds < Self.separationLimit ? nil : "the relay has not been in its group for \(seconds) s: \(reason)"
        case .broken(let reason): "the relay: \(reason)"
        }
    }

    /// Starts the relay unless it runs with this very command line, and waits until it is in the group.
    ///
    /// - Throws: ``OCFError``.
    func start(_ log: AgentLog) throws(OCFError) {
        guard access(settings.binary, X_OK) == 0 else {
            throw OCFError(
                .installed,
                "\(settings.binary) is not installed on this node; install it, or set relay_binary"
            )
        }
        if isSameCommand, case .joined = process.condition() {
            return
        }
        try end()
        switch try process.launch(settings.command, patience: Self.joinTime) {
        case .joined, .late(.joined): log.info("started the relay, transport \(settings.transport.rawValue)")
        case .ended(let status):
            let command = settings.command.joined(separator: " ")
            throw OCFError(
                .generic,
                "the relay ended at once (\(status)); run \"\(command) --foreground\" to see why"
            )
        case .late(.broken(let reason)):
            try end()
            throw OCFError(.generic, "the relay does not work: \(reason)")
        case .late(let condition):
            // Corosync may come later; a monitor says when it takes too long.
            log.warning("the relay is not in its group yet: \(condition.reason ?? "")")
        }
    }

    /// Ends the relay if it runs, and waits until it is gone.
    func end() throws(OCFError) {
        do {
            try process.end(grace: .seconds(3))
        } catch {
            throw OCFError(.generic, "cannot stop the relay: \(error)")
        }
    }

    private var isSameCommand: Bool {
        guard let identity = process.identity,
            let text = try? TextFile.read("/proc/\(identity.pid)/cmdline", limit: 8192)
        else {
            return false
        }
        return text.split(separator: "\0", omittingEmptySubsequences: false).dropLast().map(String.init)
            == settings.command
    }
}
