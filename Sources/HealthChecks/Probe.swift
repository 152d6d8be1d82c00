// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// Everything that decides the result of one check of one server; checks with equal probes can share one run.
public struct Probe: Hashable, Sendable {
    /// How the server is asked.
    public enum Method: Hashable, Sendable {
        /// A TCP connection is made and closed again.
        case connect
        /// ICMP echo requests, one after the other; the first reply wins.
        case ping(count: Int)
        /// An HTTP/1.1 request.
        case http(HTTPRequest)
        /// A short exchange of lines over TCP.
        case lines(LineDialogue)
        /// A program that exits with 0 when the server is up: its path and arguments.
        case command([String])
    }

    /// How the server is asked.
    public let method: Method

    /// The server's address and the port that is checked; ping uses the address only.
    public let target: SocketAddress

    /// Time for making the connection; for ping, for each echo; for a command, for its whole run.
    public let connectTimeout: Duration

    /// Time for the whole check.
    public let timeout: Duration

    /// Describes a check.
    public init(_ method: Method, of target: SocketAddress, connectTimeout: Duration, timeout: Duration) {
        self.method = method
        self.target = target
        self.connectTimeout = connectTimeout
        self.timeout = timeout
    }
}
