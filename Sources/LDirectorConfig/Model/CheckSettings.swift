// SPDX-License-Identifier: Apache-2.0

/// How the real servers of one virtual server are checked.
public struct CheckSettings: Sendable, Hashable {
    /// The kind of check (`checktype`).
    public var type = CheckType.negotiate

    /// The application protocol of negotiate checks (`service`).
    public var service = CheckService.none

    /// What to ask for and what to expect; a real server may bring its own.
    public var content = CheckContent()

    /// The HTTP method of http and https checks (`httpmethod`).
    public var httpMethod = HTTPMethod.get

    /// The Host header of http and https checks (`virtualhost`); nil uses the real server's address.
    public var virtualHost: String?

    /// User name (`login`), with the defaults of ftp and sip filled in.
    public var login = ""

    /// Password (`passwd`), with the default of ftp filled in.
    public var password = ""

    /// Database name (`database`).
    public var database = ""

    /// Shared secret of RADIUS (`secret`).
    public var secret = ""

    /// What the answer must not contain, a regular expression like `receive` (`receivenot`); empty forbids nothing.
    public var receiveNot = ""

    /// The name that SMTP servers are told (`helo`); nil for localhost.localdomain.
    public var helloName: String?

    /// Conditions of http, https and http_proxy.
    public var http = HTTPConditions()

    /// How TLS is spoken.
    public var tls = TLSConditions()

    /// Conditions of dns.
    public var dns = DNSConditions()

    /// Port that checks go to for all real servers (`checkport`); already applied in ``RealServer/checkPort``.
    public var port: UInt16?

    /// Program of external and external-perl checks (`checkcommand`).
    public var command = "/bin/true"

    /// Limit of a connect, ping or external check (`checktimeout` after inheritance).
    public var connectTimeout = Duration.seconds(5)

    /// Limit of a negotiate check (`negotiatetimeout` after inheritance).
    public var negotiateTimeout = Duration.seconds(30)

    /// Time from the start of a check to the start of the next (`checkinterval`).
    public var interval = Duration.seconds(10)

    /// Echo requests of a ping check; the first answer wins (`checkcount`).
    public var count = 1

    /// Consecutive failures that take a server down (`failurecount`).
    public var failureCount = 1

    /// How the checks go about their work.
    public var conduct = CheckConduct()

    /// The settings of a block that says nothing.
    public init() {}
}

/// The kind of check (`checktype`).
public enum CheckType: Sendable, Hashable {
    /// TCP connect; ICMP echo where the protocol is udp.
    case connect
    /// The exchange of ``CheckSettings/service``.
    case negotiate
    /// ICMP echo.
    case ping
    /// No check, no change of state.
    case off
    /// No check, always up.
    case on
    /// A program; exit status 0 is up.
    case external
    /// A Perl program; exit status 0 is up.
    case externalPerl
    /// One negotiate check, then this many connect checks, and again; a failure makes the next one a negotiate check.
    case combined(connects: Int)

    /// The word of the directive.
    public var word: String {
        switch self {
        case .connect: "connect"
        case .negotiate: "negotiate"
        case .ping: "ping"
        case .off: "off"
        case .on: "on"
        case .external: "external"
        case .externalPerl: "external-perl"
        case .combined(let connects): String(connects)
        }
    }
}

/// The method of http and https checks.
public enum HTTPMethod: String, Sendable, Hashable, CaseIterable {
    case get = "GET"
    case head = "HEAD"
}

/// What a negotiate check asks for and what it expects.
public struct CheckContent: Sendable, Hashable {
    /// The request with its leading `/`, as the file format keeps it for every service.
    public var request: String

    /// A Perl 5 regular expression on bytes, searched anywhere in the answer; empty accepts any answer.
    public var receive: String

    /// Joins a request and the pattern of its answer; a missing leading `/` is added.
    public init(request: String = "/", receive: String = "") {
        self.request = request.utf8.first == UInt8(ascii: "/") ? request : "/" + request
        self.receive = receive
    }

    /// The request without the leading `/`: a URL path below the root, an absolute URL, a DNS name, an LDAP name, a statement.
    public var bareRequest: String { String(request.dropFirst()) }
}
