// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// The command line of `send_arp`, which is that of both historic programs of this name.
public struct SendArpCommand: Sendable, Equatable {
    /// Why a command line is wrong: one line.
    public struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
        /// What is wrong.
        public let description: String
    }

    /// The usage text.
    public static let usage = """
        usage: send_arp [-U | -A] [-o] [-F] [-r rounds] [-i milliseconds] [-p pidfile] device ip mac broadcast netmask
               send_arp -U | -A [-c rounds] [-w seconds] -I device ip...
               send_arp -D [-q] [-c probes] [-w seconds] -I device ip...
               send_arp [-U | -A] [-o] [-F] [-r rounds] [-i milliseconds] [-p pidfile] -B file
          -r, -c rounds   how often to announce (default 1)
          -i ms           time between two rounds (default 1000)
          -p pidfile      absolute path; holds pid and start time while rounds are sent
          -U              requests only        -A   replies only (default: a request and a reply a round)
          -D              announces nothing: asks who has the addresses (default 2 probes); 1 when anybody answers
          -w seconds      ends after this time, whatever -c says
          -s ip           the source, which can only be the announced address
          -q              with -D: says nothing, the exit status is the answer
          -V              prints the version
          -o              target hardware address of requests is all ones instead of zero
          -F              announce although the address is not on this host
          -B file         announces every line of a file, of standard input for -: device, address, perhaps mac; IPv4 by
                          ARP, IPv6 by neighbour advertisements; # begins a comment
          mac             auto for the device's own, or a hardware address; broadcast and netmask are ignored
        """

    /// What to announce; nothing when ``batchFile`` says it.
    public var items: [AnnouncementBatch.Item]
    /// The file that lists what to announce, `-` for standard input; nil for none.
    public var batchFile: String?
    /// Which packets a round has.
    public var style: Announcement.Style
    /// Whether the target hardware address of requests is all ones.
    public var usesOnesAsTarget: Bool
    /// Whether the address need not be on this host.
    public var allowsForeignAddress: Bool
    /// Whether to ask who has the addresses, instead of announcing them.
    public var asksForOwners: Bool
    /// Whether an owner is told by the exit status alone.
    public var isQuiet: Bool
    /// Whether only the version is asked for.
    public var asksForVersion: Bool
    /// How many rounds; 0 sends nothing.
    public var rounds: Int
    /// Time between two rounds.
    public var interval: Duration
    /// The pid file; nil for none.
    public var pidFile: String?

    /// Reads the words behind the program's name.
    ///
    /// - Throws: ``Failure`` saying what is wrong.
    public init(_ arguments: [String]) throws(Failure) {
        let options: ShortOptions
        do {
            options = try ShortOptions(arguments, letters: "UADVoFqbfr:c:i:p:I:B:w:s:")
        } catch {
            throw Failure(description: error.description)
        }
        guard options.flags.intersection(["U", "A", "D"]).count < 2 else {
            throw Failure(description: "-U, -A and -D exclude each other")
        }
        asksForOwners = options.flags.contains("D")
        asksForVersion = options.flags.contains("V")
        isQuiet = options.flags.contains("q")
        style = options.flags.contains("U") ? .request : options.flags.contains("A") ? .reply : .requestAndReply
        usesOnesAsTarget = options.flags.contains("o")
        let milliseconds = try Self.number(options, "i", default: 1000, in: 1...3_600_000)
        interval = .milliseconds(milliseconds)
        rounds = try Self.rounds(options, milliseconds)
        pidFile = options.values["p"]
        if let pidFile, !pidFile.hasPrefix("/") {
            throw Failure(description: "pid file \"\(pidFile)\" is not an absolute path")
        }
        batchFile = options.values["B"]
        if asksForVersion {
            items = []
            allowsForeignAddress = false
            return
        }
        guard !asksForOwners || (options.values["I"] != nil && batchFile == nil && pidFile == nil) else {
            throw Failure(description: "-D needs -I, and goes with neither -B nor -p")
        }
        if batchFile != nil {
            guard options.operands.isEmpty, options.values["I"] == nil else {
                throw Failure(description: "with -B neither operands nor -I: the file names devices and addresses")
            }
            items = []
            allowsForeignAddress = options.flags.contains("F")
            return
        }
        if let device = options.values["I"] {
            guard !options.operands.isEmpty, style != .requestAndReply || asksForOwners else {
                throw Failure(description: "with -I at least one address, and -U, -A or -D")
            }
            if let source = options.values["s"], options.operands != [source] {
                throw Failure(description: "-s \"\(source)\" is not the one announced address")
            }
            items = []
            for word in options.operands {
                items.append(AnnouncementBatch.Item(device: device, address: try Self.address(word)))
            }
            allowsForeignAddress = options.flags.contains("F")
            return
        }
        guard options.operands.count == 5 else {
            throw Failure(description: "\(options.operands.count) operands instead of 5")
        }
        let hardware = try Self.hardware(options.operands[2])
        items = [
            AnnouncementBatch.Item(
                device: options.operands[0],
                address: try Self.address(options.operands[1]),
                hardware: hardware
            )
        ]
        allowsForeignAddress = options.flags.contains("F") || hardware != nil
    }

    /// Rounds, or probes of an address; -w ends them early, and alone says how many there are.
    private static func rounds(_ options: ShortOptions, _ milliseconds: Int) throws(Failure) -> Int {
        let isCounted = options.values["r"] != nil || options.values["c"] != nil
        let rounds = try number(
            options,
            "r",
            or: "c",
            default: options.flags.contains("D") ? 2 : 1,
            in: 0...1_000_000
        )
        guard options.values["w"] != nil else {
            return rounds
        }
        let seconds = try number(options, "w", default: 1, in: 1...3600)
        let most = max(1, seconds * 1000 / milliseconds)
        return isCounted ? min(rounds, most) : most
    }

    private static func address(_ word: String) throws(Failure) -> IPAddress {
        guard let address = IPAddress(word), address.family == .ipv4 else {
            throw Failure(description: "\"\(word)\" is not an IPv4 address (for IPv6 use send_ua)")
        }
        return address
    }

    /// The hardware address of a word; nil for `auto`.
    private static func hardware(_ word: String) throws(Failure) -> LinkLayerAddress? {
        if ["auto", "AUTO", "Auto"].contains(word) {
            return nil
        }
        guard let given = LinkLayerAddress(word), [6, 20].contains(given.bytes.count) else {
            throw Failure(description: "\"\(word)\" is neither auto nor a hardware address")
        }
        return given
    }

    private static func number(
        _ options: ShortOptions,
        _ letter: Character,
        or other: Character? = nil,
        default value: Int,
        in range: ClosedRange<Int>
    ) throws(Failure) -> Int {
        let given = options.values[letter] == nil ? other ?? letter : letter
        guard let text = options.values[given] else {
            return value
        }
        guard let number = Int(text), range.contains(number), text.utf8.first.map({ $0 != UInt8(ascii: "+") }) == true
        else {
            throw Failure(
                description: "-\(given) \"\(text)\" is not a number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }
}
