// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// Everything that decides the result of one check of one server; checks with equal probes can share one run.
public struct Probe: Hashable, Sendable {
    /// How the server is asked; by reference, as probes are keys and are moved by the thousand.
    public indirect enum Method: Hashable, Sendable {
        /// A TCP connection is made and closed again.
        case connect
        /// ICMP echo requests, one after the other; the first reply wins.
        case ping(count: Int)
        /// An HTTP/1.1 request.
        case http(HTTPRequest)
        /// A short exchange of lines over TCP.
        case lines(LineDialogue)
        /// A mailbox is opened, or just the greeting read.
        case pop(POPLogin)
        /// A file is fetched.
        case ftp(FTPRetrieval)
        /// An OPTIONS request.
        case sip(SIPOptions)
        /// Any text is sent, any text is expected.
        case text(TextExchange)
        /// A name or an address is looked up.
        case dns(DNSQuestion)
        /// An entry is looked for.
        case ldap(LDAPSearch)
        /// Access is asked for.
        case radius(RadiusLogin)
        /// A statement is executed.
        case mysql(MySQLLogin)
        /// A statement is executed.
        case postgres(PostgresLogin)
        /// Several checks side by side, which all must succeed.
        case all([Part])
        /// A program that exits with 0 when the server is up: its path and arguments.
        case command([String])
    }

    /// One of several checks of a server.
    public struct Part: Hashable, Sendable {
        /// What a reason calls it; empty for the check that needs no name.
        public var name: String
        /// What is done.
        public var probe: Probe

        /// Names a check.
        public init(name: String, probe: Probe) {
            self.name = name
            self.probe = probe
        }
    }

    /// How the server is asked.
    public let method: Method

    /// What carries the exchange; connections and most services know TCP only.
    public enum Transport: Hashable, Sendable {
        case tcp
        case udp
    }

    /// When TLS begins.
    public indirect enum Security: Hashable, Sendable {
        /// Never, except where a redirect leads to https.
        case plain
        /// As soon as the connection stands.
        case tls(TLSSettings)
        /// When the exchange comes to it (a proxy's tunnel).
        case onRequest(TLSSettings)
    }

    /// What carries the exchange.
    public let transport: Transport

    /// When TLS begins.
    public let security: Security

    /// The server's address and the port that is checked; ping uses the address only.
    public let target: SocketAddress

    /// Where the check comes from; commands know nothing of it.
    public var origin = CheckOrigin()

    /// The largest weight that a command may print for its server; 0 when its output is not looked at.
    public var largestWeight = 0

    /// Time for making the connection; for ping, for each echo; for a command, for its whole run.
    public let connectTimeout: Duration

    /// Time for the whole check.
    public let timeout: Duration

    /// Describes a check.
    public init(
        _ method: Method,
        of target: SocketAddress,
        over transport: Transport = .tcp,
        security: Security = .plain,
        connectTimeout: Duration,
        timeout: Duration
    ) {
        self.method = method
        self.target = target
        self.transport = transport
        self.security = security
        self.connectTimeout = connectTimeout
        self.timeout = timeout
    }

    /// Joins several checks of a server into one; nil for none.
    public init?(all parts: [Part]) {
        guard let first = parts.first?.probe else {
            return nil
        }
        self.init(
            .all(parts),
            of: first.target,
            connectTimeout: parts.map(\.probe.connectTimeout).max() ?? first.connectTimeout,
            timeout: parts.map(\.probe.timeout).max() ?? first.timeout
        )
    }

    /// Cheap: what tells probes of one configuration apart nearly always; equality compares everything.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(target)
        hasher.combine(timeout)
    }

    /// The check whose server and origin a held connection has: the first of several.
    public var watchedProbe: Probe {
        if case .all(let parts) = method, let first = parts.first {
            return first.probe.watchedProbe
        }
        return self
    }

    /// Whether a program does the check.
    var isProgram: Bool {
        switch method {
        case .command: true
        case .all(let parts): parts.contains(where: \.probe.isProgram)
        default: false
        }
    }

    /// How TLS is spoken, where it is.
    var tlsSettings: TLSSettings {
        switch security {
        case .plain: TLSSettings()
        case .tls(let settings), .onRequest(let settings): settings
        }
    }
}
