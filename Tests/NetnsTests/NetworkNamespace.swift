// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit
import Testing

extension Trait where Self == ConditionTrait {
    /// Runs only as root; the reason is printed otherwise.
    static var needsRoot: Self { .enabled(if: geteuid() == 0, "needs root to create a network namespace") }
}

/// A private network namespace that goes with its last process and the descriptor that holds it: nothing is left behind.
final class NetworkNamespace: Sendable {
    private let descriptor: CInt

    /// The path by which other programs enter it.
    var path: String { "/proc/\(getpid())/fd/\(descriptor)" }

    init() throws {
        // A namespace belongs to a thread, so a thread of its own makes it and ends.
        var result: CInt = -1
        var thread = pthread_t()
        let status = withUnsafeMutablePointer(to: &result) { pointer in
            pthread_create(
                &thread,
                nil,
                { argument in
                    if vervet_unshare_network() == 0 {
                        argument?.storeBytes(of: open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), as: CInt.self)
                    }
                    return nil
                },
                pointer
            )
        }
        guard status == 0 else {
            throw SystemError(operation: "pthread_create", code: status)
        }
        pthread_join(thread, nil)
        guard result >= 0 else {
            throw SystemError(operation: "unshare", subject: "network", code: EPERM)
        }
        descriptor = result
        try run("ip link set lo up")
    }

    deinit { close(descriptor) }

    /// The command line that runs a program inside.
    func command(_ words: [String]) -> [String] { ["/usr/bin/nsenter", "--net=\(path)", "--"] + words }

    /// Runs a program inside to its end.
    @discardableResult
    func outcome(
        _ words: [String],
        environment: [String]? = nil,
        timeout: Duration = .seconds(120)
    ) throws -> ChildProcess.Outcome {
        try ChildProcess.run(command(words), environment: environment, timeout: timeout, limit: 1 << 20)
    }

    /// Runs a command of plain words and fails the test when it fails.
    @discardableResult
    func run(_ line: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
        let result = try outcome(line.split(separator: " ").map(String.init))
        #expect(result.status.isSuccess, "\(line): \(result.errorText)", sourceLocation: sourceLocation)
        return result.outputText
    }
}
