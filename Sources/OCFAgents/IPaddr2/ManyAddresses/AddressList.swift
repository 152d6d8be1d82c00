// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// The addresses that the parameter `ips` names, in their order and each once.
///
/// Items are separated by blanks, commas or line ends: an address, a range (`192.0.2.10-192.0.2.99`, `192.0.2.10-99`), each
/// with `/length` and `%nic` if wanted, all hosts of a block (`hosts:192.0.2.0/28`), or `@/file` with more items. Reading
/// is lenient: what cannot be understood is left out and the first such item is the problem, so that stop can still
/// remove the others.
struct AddressList: Sendable, Equatable {
    /// One address, with what its item says about it.
    struct Item: Sendable, Hashable {
        let address: IPAddress
        var prefix: UInt8?
        var nic: String?
    }

    /// Why an item cannot be used.
    struct Refusal: Error, Equatable {
        let reason: String
    }

    /// The most addresses of one list.
    static let limit = 4096

    private(set) var items: [Item] = []
    /// Why the first item that was left out cannot be used; nil when all are understood.
    private(set) var problem: String?
    /// Whether a file had a say, whose contents may change while the resource runs.
    private(set) var usesFiles = false

    private var known: [IPAddress: Item] = [:]

    /// Reads a list.
    ///
    /// - Parameters:
    ///   - text: The value of the parameter.
    ///   - limit: The most addresses.
    ///   - file: Reads a file by its absolute path.
    init(_ text: String, limit: Int = Self.limit, file: (String) throws(Refusal) -> String) {
        for word in Self.words(text) {
            if word.utf8.first == UInt8(ascii: "@") {
                usesFiles = true
                read(String(word.dropFirst()), limit: limit, file)
            } else {
                add(word, limit: limit)
            }
        }
        if items.isEmpty && problem == nil {
            problem = "ips names no address"
        }
    }

    private mutating func read(_ path: String, limit: Int, _ file: (String) throws(Refusal) -> String) {
        guard path.hasPrefix("/") else {
            return note("@\(path)", "the path of a file is to start with /")
        }
        do {
            let text = try file(path)
            for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                for word in Self.words(String(line.prefix { $0 != "#" })) {
                    if word.utf8.first == UInt8(ascii: "@") {
                        note("\(path):\(number + 1): \(word)", "a file cannot name another one")
                    } else {
                        add(word, limit: limit, place: "\(path):\(number + 1): ")
                    }
                }
            }
        } catch {
            note("@\(path)", error.reason)
        }
    }

    private mutating func add(_ word: Substring, limit: Int, place: String = "") {
        do throws(Refusal) {
            let (range, prefix, nic) = try Self.parse(word, limit: limit)
            for address in range {
                let item = Item(address: address, prefix: prefix, nic: nic)
                if let earlier = known[address] {
                    guard earlier == item else {
                        throw Refusal(reason: "\(address) is listed before with another prefix or interface")
                    }
                    continue
                }
                guard items.count < limit else {
                    throw Refusal(reason: "more than \(limit) addresses: spread them over several resources")
                }
                known[address] = item
                items.append(item)
            }
        } catch {
            note("\(place)\(word.prefix(80))", error.reason)
        }
    }

    private mutating func note(_ item: String, _ reason: String) {
        problem = problem ?? "ips item \"\(item)\": \(reason)"
    }

    private static func words(_ text: String) -> [Substring] {
        text.split { $0 == "," || $0.isWhitespace }
    }

    /// Reads one item.
    ///
    /// - Returns: The addresses, the length of their prefix and their interface, where the item names them.
    /// - Throws: ``Refusal`` saying what is wrong.
    static func parse(
        _ word: Substring,
        limit: Int = Self.limit
    ) throws(Refusal) -> (addresses: [IPAddress], prefix: UInt8?, nic: String?) {
        var rest = word
        var nic: String?
        if let percent = rest.firstIndex(of: "%") {
            nic = try interface(rest[rest.index(after: percent)...])
            rest = rest[..<percent]
        }
        let isBlock = rest.hasPrefix("hosts:")
        if isBlock {
            rest = rest.dropFirst("hosts:".utf8.count)
        }
        var prefixText: Substring?
        if let slash = rest.firstIndex(of: "/") {
            prefixText = rest[rest.index(after: slash)...]
            rest = rest[..<slash]
        }
        let dash = rest.firstIndex(of: "-")
        let first = try address(dash.map { rest[..<$0] } ?? rest)
        let prefix = try prefixText.map { (text) throws(Refusal) in try length(text, first.family) }
        if isBlock {
            guard let prefix, dash == nil else {
                throw Refusal(reason: "hosts: wants one block such as hosts:192.0.2.0/28")
            }
            return (try hosts(of: first, prefix, limit), prefix, nic)
        }
        guard let dash else {
            return ([first], prefix, nic)
        }
        let last = try end(rest[rest.index(after: dash)...], from: first)
        guard let count = first.distance(to: last) else {
            throw Refusal(reason: "the range ends before it begins, or spans networks of 64 bits")
        }
        return (try run(first, count, limit), prefix, nic)
    }

    private static func address(_ text: Substring) throws(Refusal) -> IPAddress {
        guard let address = IPAddress(String(text)), address.family == .ipv6 || address.bytes[0] != 0,
            address.family == .ipv4 || !text.contains(".")
        else {
            throw Refusal(reason: "\"\(text)\" is not an address, such as 192.0.2.1 or 2001:db8::1")
        }
        return address
    }

    private static func length(_ text: Substring, _ family: IPAddress.Family) throws(Refusal) -> UInt8 {
        let longest = family.byteCount * 8
        guard text.utf8.count <= 3, let length = AgentEnvironment.decimal(String(text)), (1...longest).contains(length)
        else {
            throw Refusal(reason: "\"/\(text)\" is not a prefix length of 1 to \(longest)")
        }
        return UInt8(length)
    }

    private static func interface(_ text: Substring) throws(Refusal) -> String {
        // Alternative names may be longer than the kernel's 15 characters.
        let isName =
            (1...127).contains(text.utf8.count)
            && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") }
        guard isName else {
            throw Refusal(reason: "\"%\(text)\" is not the name of an interface")
        }
        return String(text)
    }

    /// The end of a range: an address, or the last part of one.
    private static func end(_ text: Substring, from first: IPAddress) throws(Refusal) -> IPAddress {
        if let last = IPAddress(String(text)), last.family == first.family {
            return last
        }
        var bytes = first.bytes
        switch first.family {
        case .ipv4:
            if text.utf8.count <= 3, let value = AgentEnvironment.decimal(String(text)), value <= 255 {
                bytes[3] = UInt8(value)
                return IPAddress(bytes: bytes) ?? first
            }
        case .ipv6:
            if text.utf8.count <= 4, !text.hasPrefix("+"), let value = UInt16(text, radix: 16) {
                bytes[14] = UInt8(value >> 8)
                bytes[15] = UInt8(value & 0xff)
                return IPAddress(bytes: bytes) ?? first
            }
        }
        throw Refusal(reason: "\"\(text)\" is not the end of a range that begins with \(first)")
    }

    /// Every host address of a block: without network and broadcast, or the routers' anycast address, where it has them.
    private static func hosts(of address: IPAddress, _ prefix: UInt8, _ limit: Int) throws(Refusal) -> [IPAddress] {
        let hostBits = address.family.byteCount * 8 - Int(prefix)
        guard hostBits < 32 else {
            throw Refusal(reason: "the block has more than \(limit) addresses")
        }
        let size = UInt64(1) << UInt64(hostBits)
        let network = address.masked(hostBits: hostBits)
        guard hostBits > 1 else {
            return try run(network, size - 1, limit)
        }
        return try run(network.advanced(by: 1), size - (address.family == .ipv4 ? 3 : 2), limit)
    }

    private static func run(_ first: IPAddress, _ further: UInt64, _ limit: Int) throws(Refusal) -> [IPAddress] {
        guard further < UInt64(limit) else {
            throw Refusal(reason: "more than \(limit) addresses: spread them over several resources")
        }
        return (0...further).map(first.advanced)
    }
}

extension IPAddress {
    /// The last 64 bits, or all 32 of IPv4, as a number.
    private var lowBits: UInt64 { bytes.suffix(8).reduce(0) { $0 << 8 | UInt64($1) } }

    private func replacingLowBits(_ value: UInt64) -> IPAddress {
        let tail = withUnsafeBytes(of: value.bigEndian, Array.init).suffix(min(8, bytes.count))
        return IPAddress(bytes: bytes.dropLast(tail.count) + tail) ?? self
    }

    /// How many addresses further another one is; nil when it comes before or its first 64 bits differ.
    func distance(to other: IPAddress) -> UInt64? {
        guard family == other.family, bytes.dropLast(min(8, bytes.count)) == other.bytes.dropLast(min(8, bytes.count)),
            other.lowBits >= lowBits
        else {
            return nil
        }
        return other.lowBits - lowBits
    }

    /// The address some steps further; the first 64 bits stay.
    func advanced(by steps: UInt64) -> IPAddress { replacingLowBits(lowBits &+ steps) }

    /// The address with the last bits cleared, of which there are at most 63.
    func masked(hostBits: Int) -> IPAddress { replacingLowBits((lowBits >> UInt64(hostBits)) << UInt64(hostBits)) }
}
