// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import NeighborPackets
import Netlink

/// Repeated announcements of one address, as a value that also travels on the command line of a detached announcer.
struct AnnouncerJob: Sendable, Equatable {
    /// The word that selects the hidden personality of the multi-call program.
    static let personality = "--announce"

    let address: IPAddress
    let interfaceIndex: Int32
    let rounds: Int
    let intervalMilliseconds: Int
    let style: Announcement.Style
    /// Where the announcer's identity is kept while it runs.
    let identityFile: String

    init(
        address: IPAddress,
        interfaceIndex: Int32,
        rounds: Int,
        intervalMilliseconds: Int,
        style: Announcement.Style,
        identityFile: String
    ) {
        self.address = address
        self.interfaceIndex = interfaceIndex
        self.rounds = rounds
        self.intervalMilliseconds = intervalMilliseconds
        self.style = style
        self.identityFile = identityFile
    }

    /// Reads ``arguments``; nil for anything else.
    init?(arguments: [String]) {
        guard arguments.count == 7, arguments[0] == Self.personality, let address = IPAddress(arguments[1]),
            let index = AgentEnvironment.decimal(arguments[2]).flatMap(Int32.init(exactly:)),
            let rounds = AgentEnvironment.decimal(arguments[3]), rounds <= 100_000,
            let interval = AgentEnvironment.decimal(arguments[4]), (1...3_600_000).contains(interval),
            arguments[6].hasPrefix("/")
        else {
            return nil
        }
        let style: Announcement.Style
        switch arguments[5] {
        case "both": style = .requestAndReply
        case "request": style = .request
        case "reply": style = .reply
        default: return nil
        }
        self.init(
            address: address,
            interfaceIndex: index,
            rounds: rounds,
            intervalMilliseconds: interval,
            style: style,
            identityFile: arguments[6]
        )
    }

    /// The arguments of the detached announcer, behind the program's path.
    var arguments: [String] {
        let word =
            switch style {
            case .requestAndReply: "both"
            case .request: "request"
            case .reply: "reply"
            }
        return [
            Self.personality, "\(address)", "\(interfaceIndex)", "\(rounds)", "\(intervalMilliseconds)", word,
            identityFile,
        ]
    }

    /// The same job with another number of rounds.
    func with(rounds: Int) -> AnnouncerJob {
        AnnouncerJob(
            address: address,
            interfaceIndex: interfaceIndex,
            rounds: rounds,
            intervalMilliseconds: intervalMilliseconds,
            style: style,
            identityFile: identityFile
        )
    }

    /// Opens the sender for the link.
    ///
    /// - Parameters:
    ///   - link: The device.
    ///   - inherited: A descriptor that may be the packet socket of the process that started this one.
    /// - Returns: The sender; nil when the device has no hardware address or resolves no neighbours.
    /// - Throws: ``SystemError`` when no socket can be opened.
    func sender(on link: NetworkLink, inherited: CInt? = nil) throws(SystemError) -> (any RoundSender)? {
        guard !link.name.hasPrefix("lo"), !link.isLoopback, !link.isWithoutARP, let device = link.announcingDevice
        else {
            return nil
        }
        if address.family == .ipv4 {
            let announcement = Announcement(
                address: address,
                hardware: device.hardware,
                hardwareType: device.hardwareType,
                style: style
            )
            if let inherited, let sender = GratuitousARP(announcement, on: device, adopting: inherited) {
                return sender
            }
            return try GratuitousARP(announcement, on: device)
        }
        let advertisement = NeighborAdvertisement(
            target: address,
            hardware: device.hardware,
            isRouter: SystemControl.isEnabled("net/ipv6/conf/\(link.name)/forwarding")
        )
        guard let advertisement else {
            return nil
        }
        return try UnsolicitedAdvertisement(advertisement, on: device)
    }
}

extension NetworkLink {
    /// What a sender needs to know; nil without a hardware address.
    var announcingDevice: AnnouncingDevice? {
        guard let address, address.bytes.contains(where: { $0 != 0 }) else {
            return nil
        }
        let ones = LinkLayerAddress(bytes: [UInt8](repeating: 0xff, count: address.bytes.count)) ?? address
        return AnnouncingDevice(
            index: index,
            name: name,
            hardware: address,
            broadcast: broadcast ?? ones,
            hardwareType: hardwareType
        )
    }
}

/// Switches under `/proc/sys`, of the calling thread's network namespace.
enum SystemControl {
    /// Whether a switch exists and is not 0.
    static func isEnabled(_ name: String) -> Bool {
        guard let text = try? TextFile.read("/proc/sys/\(name)", limit: 64) else {
            return false
        }
        return text.utf8.contains { (UInt8(ascii: "1")...UInt8(ascii: "9")).contains($0) }
    }
}
