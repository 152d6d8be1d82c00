// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

/// Speaks with the daemon over its control socket.
public struct ConfigSyncClient: Sendable {
    /// Where the daemon listens unless it is told otherwise.
    public static let defaultPath = "/run/vervet/configsync.sock"

    /// Longest wait for the outcome of an order; the daemon answers before.
    private static let patience = Duration.seconds(40)

    private let client: ControlClient

    /// Why there is no outcome.
    public struct Failure: Error, CustomStringConvertible {
        /// Whether no daemon runs here.
        public let isNotRunning: Bool
        /// One line.
        public let description: String

        /// Describes a failure.
        public init(isNotRunning: Bool, description: String) {
            self.isNotRunning = isNotRunning
            self.description = description
        }
    }

    /// Prepares for a daemon; nothing is connected yet.
    public init(path: String = defaultPath) { client = ControlClient(path: path) }

    /// The file of the daemon's process beside its socket.
    public static func processPath(besides control: String) -> String {
        (control.hasSuffix(".sock") ? String(control.dropLast(".sock".count)) : control) + ".pid"
    }

    /// Lets a file be sent to all directors.
    ///
    /// - Returns: The exit status that a program ends with, and what there is to say.
    public func send(_ file: String) throws(Failure) -> (status: Int32, text: String) { try order("send \(file)") }

    /// Settles a conflict: the file as `node` has it replaces all others.
    public func take(_ node: String, _ file: String) throws(Failure) -> (status: Int32, text: String) {
        try order("take \(node) \(file)")
    }

    /// The files that are kept.
    public func files() throws(Failure) -> [String] {
        try ask("files").split(separator: "\n").map(String.init)
    }

    /// The state, for people.
    public func status() throws(Failure) -> String { try ask("status") }

    /// The state, as JSON.
    public func statusDocument() throws(Failure) -> String { try ask("status json") }

    private func order(_ request: String) throws(Failure) -> (status: Int32, text: String) {
        let deadline = Deadline(after: Self.patience)
        var answer = try ask(request)
        var pause: UInt32 = 5000
        while let token = answer.token {
            repeat {
                guard !deadline.hasPassed else {
                    throw Failure(isNotRunning: false, description: "the daemon did not say how it went")
                }
                usleep(pause)
                pause = min(pause * 2, 200_000)
                answer = try ask("result \(token)")
            } while answer == "pending\n"
        }
        let lines = answer.split(separator: "\n", maxSplits: 1)
        guard let first = lines.first, first.hasPrefix("exit "), let status = Int32(first.dropFirst(5)) else {
            throw Failure(isNotRunning: false, description: "the daemon answers nonsense: \(answer)")
        }
        var text = lines.count > 1 ? String(lines[1]) : ""
        while text.last == "\n" {
            text.removeLast()
        }
        return (status, text)
    }

    private func ask(_ request: String) throws(Failure) -> String {
        do {
            return try client.ask(request)
        } catch {
            if case .notRunning = error {
                throw Failure(
                    isNotRunning: true,
                    description: "\(error): configsync does not run here; start its resource, or configsync.service"
                )
            }
            throw Failure(isNotRunning: false, description: "\(error)")
        }
    }
}

extension String {
    /// The number that `wait N` names.
    fileprivate var token: UInt64? {
        hasPrefix("wait ") ? UInt64(dropFirst("wait ".count).prefix { $0 != "\n" }) : nil
    }
}
