// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// A list of addresses to announce in one run, one per line: device, address, and optionally a hardware address.
///
/// Blank lines and what follows `#` do not count. IPv4 addresses are announced by ARP, IPv6 addresses by neighbour
/// advertisements.
public struct AnnouncementBatch: Sendable, Equatable {
    /// One line.
    public struct Item: Sendable, Hashable {
        /// The device to send on.
        public let device: String
        /// The address to announce.
        public let address: IPAddress
        /// The hardware address to announce; nil for the device's own.
        public let hardware: LinkLayerAddress?

        /// Names what is announced where.
        public init(device: String, address: IPAddress, hardware: LinkLayerAddress? = nil) {
            self.device = device
            self.address = address
            self.hardware = hardware
        }
    }

    /// Which line is wrong, and why.
    public struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
        /// One line that begins with the number of the wrong one.
        public let description: String
    }

    /// The most items of a list.
    public static let limit = 65_536

    /// The items in their order, each once.
    public let items: [Item]

    /// Takes items as they are.
    public init(_ items: [Item]) { self.items = items }

    /// Reads a list.
    ///
    /// - Parameter text: The lines.
    /// - Throws: ``Failure`` for the first line that is wrong; a list of nothing is wrong too.
    public init(_ text: String) throws(Failure) {
        var items: [Item] = []
        var known: Set<Item> = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace).map(String.init)
            if words.isEmpty {
                continue
            }
            let item = try Self.item(words, line: index + 1)
            guard known.insert(item).inserted else {
                continue
            }
            guard items.count < Self.limit else {
                throw Failure(description: "line \(index + 1): more than \(Self.limit) addresses")
            }
            items.append(item)
        }
        guard !items.isEmpty else {
            throw Failure(description: "line 1: the list names no address")
        }
        self.items = items
    }

    private static func item(_ words: [String], line: Int) throws(Failure) -> Item {
        guard (2...3).contains(words.count) else {
            throw Failure(description: "line \(line): \(words.count) words instead of device, address and perhaps mac")
        }
        guard let address = IPAddress(words[1]) else {
            throw Failure(description: "line \(line): \"\(words[1])\" is not an address")
        }
        guard words.count == 3, words[2].lowercased() != "auto" else {
            return Item(device: words[0], address: address)
        }
        guard let hardware = LinkLayerAddress(words[2]), [6, 20].contains(hardware.bytes.count) else {
            throw Failure(description: "line \(line): \"\(words[2])\" is neither auto nor a hardware address")
        }
        return Item(device: words[0], address: address, hardware: hardware)
    }
}
