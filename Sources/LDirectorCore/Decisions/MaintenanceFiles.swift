// SPDX-License-Identifier: Apache-2.0
public import LDirectorConfig
import LinuxKit

/// The content of the maintenance directory: file names say which servers, the files' text may say what of them.
///
/// A name is `IP:PORT`, `IP`, or a host name of the server, whole or up to its first dot, with or without `:PORT`; IPv6 in
/// brackets. The port is the configured one; where none is configured, the virtual port is good as well.
public struct MaintenanceFiles: Sendable, Equatable {
    /// What each file wants, by its name in lower case.
    private var wishes: [String: StandingOrder.Wish] = [:]

    /// No files.
    public init() {}

    /// Takes in a directory's listing.
    ///
    /// - Parameter files: Names, and the start of each file's text: `drain`, `weight N`, or anything else for plain
    ///   maintenance.
    public init(_ files: [String: String]) {
        for (name, text) in files {
            wishes[Self.canonical(name)] = Self.wish(text)
        }
    }

    /// Whether there are none.
    public var isEmpty: Bool { wishes.isEmpty }

    /// Whether a file is named after a host, so that the servers' host names matter.
    public var namesHosts: Bool {
        wishes.keys.contains { name in
            !name.hasPrefix("[") && IPAddress(String(name.prefix { $0 != ":" })) == nil
        }
    }

    /// The wish about a server and the name of the file that says so; names with a port go before names without.
    ///
    /// - Parameters:
    ///   - real: The server.
    ///   - virtual: Its virtual server.
    ///   - host: The host name of its address, if known.
    /// - Returns: The file's name and its wish; nil when no file is about this server.
    public func wish(
        for real: RealServer,
        in virtual: VirtualServer,
        host: String?
    ) -> (name: String, wish: StandingOrder.Wish)? {
        guard !wishes.isEmpty else {
            return nil
        }
        var ports = [real.configuredPort]
        if real.configuredPort == 0, virtual.identity.port > 0 {
            ports.append(virtual.identity.port)
        }
        var names = [real.address.bracketed.lowercased()]
        if let host = host?.lowercased() {
            names.append(host)
            if let short = Self.shortName(host) {
                names.append(short)
            }
        }
        for name in names {
            for candidate in ports.map({ "\(name):\($0)" }) + [name] {
                if let wish = wishes[candidate] {
                    return (candidate, wish)
                }
            }
        }
        return nil
    }

    /// The part before the first dot, when it looks like a host's name: a letter, then letters, digits and `-`.
    static func shortName(_ host: String) -> String? {
        let short = host.prefix { $0 != "." }
        let bytes = Array(short.utf8)
        guard let first = bytes.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first), bytes.count > 1 else {
            return nil
        }
        let isName = bytes.dropFirst().allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "-")
        }
        return isName ? String(short) : nil
    }

    /// Lower case; an IPv6 address in its shortest form, whatever form the file's name has.
    private static func canonical(_ name: String) -> String {
        guard name.hasPrefix("["), let end = name.firstIndex(of: "]"),
            let address = IPAddress(String(name[name.index(after: name.startIndex)..<end]))
        else {
            return name.lowercased()
        }
        return address.bracketed.lowercased() + name[name.index(after: end)...].lowercased()
    }

    private static func wish(_ text: String) -> StandingOrder.Wish {
        let words = text.split(whereSeparator: \.isWhitespace)
        switch (words.first, words.dropFirst().first) {
        case ("drain", nil): return .drain(limit: nil)
        case ("drain", let word?):
            return .drain(limit: Int(word).flatMap { $0 > 0 && $0 <= Int(Int32.max) ? .seconds($0) : nil })
        case ("weight", let word?):
            guard let weight = Int(word), (0...65_535).contains(weight) else {
                return .out
            }
            return .weight(weight)
        default: return .out
        }
    }
}
