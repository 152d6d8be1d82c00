// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// What a name server is asked and what its answer must be (RFC 1035).
public struct DNSQuestion: Hashable, Sendable {
    /// The kinds of records that can be asked for.
    public enum RecordType: UInt16, Hashable, Sendable, CaseIterable {
        case a = 1
        case ns = 2
        case cname = 5
        case soa = 6
        case ptr = 12
        case mx = 15
        case txt = 16
        case aaaa = 28

        /// Finds a type by its name in zone files, upper or lower case ("AAAA").
        public init?(name: String) {
            guard let type = Self.allCases.first(where: { $0.name == name.uppercased() }) else {
                return nil
            }
            self = type
        }

        /// The name in zone files.
        public var name: String {
            switch self {
            case .a: "A"
            case .ns: "NS"
            case .cname: "CNAME"
            case .soa: "SOA"
            case .ptr: "PTR"
            case .mx: "MX"
            case .txt: "TXT"
            case .aaaa: "AAAA"
            }
        }
    }

    /// The name as written, without the final dot; the root is empty.
    public let name: String

    /// The types to ask for, one after the other until one satisfies.
    public let types: [RecordType]

    /// The response codes that are good; one other than 0 (NOERROR) is enough by itself, without a record.
    public var codes: Set<UInt8> = [0]

    /// What the text of at least one record must contain; nil when any record will do.
    public let receive: Pattern?

    /// What the text of no record may contain; nil forbids nothing.
    public var receiveNot: Pattern?

    /// The name as sent.
    let encodedName: [UInt8]

    /// Asks for the records of one type.
    ///
    /// No search list is applied: every name is complete.
    ///
    /// - Throws: When the name has an empty part, a part of more than 63 bytes or more than 255 bytes altogether.
    public init(name: String, type: RecordType, receive: Pattern?) throws(ServiceFault) {
        try self.init(name: name, types: [type], receive: receive)
    }

    /// Asks what ldirectord's `request` means: the names of an address, or the addresses of a name.
    ///
    /// The IPv4 addresses are asked for first, then, if they do not satisfy, the IPv6 addresses.
    ///
    /// - Throws: As for a name and a type.
    public init(request: String, receive: Pattern?) throws(ServiceFault) {
        try self.init(request: request, type: nil, receive: receive)
    }

    /// As above, with records of another type when one is given; an address then stands for its name in the reverse zone
    /// with PTR only.
    public init(request: String, type: RecordType?, receive: Pattern?) throws(ServiceFault) {
        if let address = IPAddress(request), type == nil || type == .ptr {
            try self.init(name: Self.reverseName(of: address), types: [.ptr], receive: receive)
        } else {
            try self.init(name: request, types: type.map { [$0] } ?? [.a, .aaaa], receive: receive)
        }
    }

    private init(name: String, types: [RecordType], receive: Pattern?) throws(ServiceFault) {
        self.name = name.hasSuffix(".") ? String(name.dropLast()) : name
        self.types = types
        self.receive = receive
        var encoded: [UInt8] = []
        if !self.name.isEmpty {
            for label in self.name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
                guard (1...63).contains(label.count) else {
                    throw ServiceFault("\"\(name)\" is not a domain name: each part has 1 to 63 bytes")
                }
                encoded.append(UInt8(label.count))
                encoded += label
            }
        }
        encoded.append(0)
        guard encoded.count <= 255 else {
            throw ServiceFault("\"\(name.prefix(40))...\" is not a domain name: it has more than 253 bytes")
        }
        encodedName = encoded
    }

    /// The name that holds an address's PTR records (RFC 1035 3.5, RFC 3596 2.5).
    static func reverseName(of address: IPAddress) -> String {
        switch address.family {
        case .ipv4:
            return address.bytes.reversed().map(String.init).joined(separator: ".") + ".in-addr.arpa"
        case .ipv6:
            let digits = address.bytes.reversed().flatMap { [$0 & 0x0f, $0 >> 4] }
            return digits.map { String($0, radix: 16) }.joined(separator: ".") + ".ip6.arpa"
        }
    }
}
