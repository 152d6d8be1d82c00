// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

/// nft(8), the one program that an agent starts, and only to change the filter of an address shared by several nodes.
struct PacketFilterTool: Sendable {
    private static let places = ["/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft", "/usr/local/sbin/nft"]

    let path: String
    let timeout: Duration

    /// Looks for the program; nil when it is not installed, or must count as that (`ocf-tester`).
    init?(_ environment: AgentEnvironment) {
        guard environment.variables["OCF_TESTER_FAIL_HAVE_BINARY"] != "1",
            let path = Self.places.first(where: { access($0, X_OK) == 0 })
        else {
            return nil
        }
        self.path = path
        timeout = .milliseconds(min(5000, (environment.timeoutMilliseconds ?? 20_000) / 2))
    }

    /// Carries out commands, all or none of them.
    ///
    /// - Throws: ``OCFError`` with ``OCFExit/generic`` and the program's own first words.
    func apply(_ commands: String) throws(OCFError) {
        let outcome: ChildProcess.Outcome
        do {
            outcome = try ChildProcess.run(
                [path, "-f", "-"],
                environment: ["LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
                input: Array(commands.utf8),
                timeout: timeout,
                limit: 4096
            )
        } catch {
            throw OCFError(error)
        }
        if outcome.timedOut {
            throw OCFError(.generic, "\(path) did not finish within \(timeout)")
        }
        guard outcome.status.isSuccess else {
            let words = outcome.errorText.split(separator: "\n").first.map(String.init) ?? "\(outcome.status)"
            throw OCFError(.generic, "\(path) refuses the rules of the shared address: \(words)")
        }
    }
}
