// SPDX-License-Identifier: Apache-2.0

/// The application protocol of a negotiate check (`service`).
public enum CheckService: String, Sendable, Hashable, CaseIterable {
    case dns
    case ftp
    case http
    case https
    case httpProxy = "http_proxy"
    case imap
    case imaps
    case ldap
    case ldaps
    case mysql
    case nntp
    case none
    case oracle
    case pgsql
    case pop
    case pops
    case radius
    case simpletcp
    case sip
    case smtp
    case submission
    case udp

    /// The usual port of the service; nil for none and simpletcp.
    public var defaultPort: UInt16? {
        switch self {
        case .ftp: 21
        case .smtp: 25
        case .dns: 53
        case .http: 80
        case .pop: 110
        case .nntp: 119
        case .imap: 143
        case .ldap: 389
        case .https: 443
        case .submission: 587
        case .ldaps: 636
        case .imaps: 993
        case .pops: 995
        case .oracle: 1521
        case .radius: 1812
        case .httpProxy: 3128
        case .mysql: 3306
        case .sip: 5060
        case .pgsql: 5432
        case .none, .simpletcp, .udp: nil
        }
    }

    /// The service a virtual port implies when none is written; none for other ports.
    public init(impliedBy port: UInt16) {
        self = CheckService.allCases.first { $0.defaultPort == port } ?? .none
    }
}
