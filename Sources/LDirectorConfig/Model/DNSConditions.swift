// SPDX-License-Identifier: Apache-2.0

/// What dns checks ask for, and which response codes are good.
public struct DNSConditions: Sendable, Hashable {
    /// The records asked for (`dnstype`); nil for addresses, and for the names of an address.
    public var type: DNSRecordType?

    /// The good response codes (`dnsrcode`).
    public var codes: Set<DNSResponseCode> = [.noError]

    /// The conditions of a block that says nothing.
    public init() {}
}

/// A type of records, by its name in zone files (RFC 1035, RFC 3596).
public enum DNSRecordType: String, Sendable, Hashable, CaseIterable {
    case a = "A"
    case aaaa = "AAAA"
    case cname = "CNAME"
    case mx = "MX"
    case ns = "NS"
    case ptr = "PTR"
    case soa = "SOA"
    case txt = "TXT"
}

/// A response code (RFC 1035, 4.1.1).
public enum DNSResponseCode: String, Sendable, Hashable, CaseIterable {
    case noError = "NOERROR"
    case formatError = "FORMERR"
    case serverFailure = "SERVFAIL"
    case noName = "NXDOMAIN"
    case notImplemented = "NOTIMP"
    case refused = "REFUSED"

    /// Its number in an answer.
    public var number: UInt8 { UInt8(Self.allCases.firstIndex(of: self) ?? 0) }
}
