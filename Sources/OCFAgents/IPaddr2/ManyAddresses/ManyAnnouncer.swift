// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import NeighborPackets
import Netlink

extension IPaddr2Agent {
    /// Announces addresses: the first round at once and without pauses, the others paced, in the background unless
    /// `arp_bg` is false.
    ///
    /// Announcements are best effort: a failure is logged, the addresses work without them once caches expire.
    func announce(_ holders: [AddressHolder], _ set: AddressSet, rounds: Int) {
        var groups: [Int32: AnnouncerSetJob.Group] = [:]
        for holder in holders {
            groups[holder.link.index, default: .init(interfaceIndex: holder.link.index, addresses: [])].addresses
                .append(
                    holder.address.address
                )
        }
        let links = Dictionary(holders.map { ($0.link.index, $0.link) }) { first, _ in first }
        let job = AnnouncerSetJob(
            groups: groups.values.sorted { $0.interfaceIndex < $1.interfaceIndex },
            rounds: rounds - 1,
            intervalMilliseconds: Int(settings.announcementInterval.milliseconds()),
            framesPerSecond: set.framesPerSecond,
            style: settings.style,
            identityFile: announcerFile
        )
        do {
            let speakers = try job.speakers(Array(links.values))
            for speaker in speakers {
                try speaker.sendRound(job.style)
            }
            guard job.rounds > 0, !speakers.isEmpty else {
                return
            }
            let word = environment.text(IPaddr2Parameters.arpBackground)
            if word.isEmpty || AgentEnvironment.isTrue(word) {
                try DetachedAnnouncer.start(
                    job.arguments,
                    identityFile: job.identityFile,
                    descriptor: speakers.lazy.compactMap(\.descriptor).first
                )
            } else {
                try job.repeatRounds(speakers, NetlinkSocket(.route))
            }
        } catch {
            log.warning("cannot announce \(set.summary): \(error)")
        }
    }
}

/// The later rounds of announcements of many addresses, as a value that also travels on a command line.
struct AnnouncerSetJob: Sendable, Equatable {
    /// The addresses on one interface.
    struct Group: Sendable, Equatable {
        let interfaceIndex: Int32
        var addresses: [IPAddress]
    }

    /// The word that selects the hidden personality of the multi-call program.
    static let personality = "--announce-set"

    let groups: [Group]
    let rounds: Int
    let intervalMilliseconds: Int
    let framesPerSecond: Int
    let style: Announcement.Style
    /// Where the announcer's identity is kept while it runs.
    let identityFile: String

    init(
        groups: [Group],
        rounds: Int,
        intervalMilliseconds: Int,
        framesPerSecond: Int,
        style: Announcement.Style,
        identityFile: String
    ) {
        self.groups = groups
        self.rounds = rounds
        self.intervalMilliseconds = intervalMilliseconds
        self.framesPerSecond = framesPerSecond
        self.style = style
        self.identityFile = identityFile
    }

    /// Reads ``arguments``; nil for anything else.
    init?(arguments: [String]) {
        guard arguments.count >= 7, arguments[0] == Self.personality,
            let rounds = AgentEnvironment.decimal(arguments[1]), rounds <= 100_000,
            let interval = AgentEnvironment.decimal(arguments[2]), (1...3_600_000).contains(interval),
            let rate = AgentEnvironment.decimal(arguments[3]), (1...1_000_000).contains(rate),
            let style = Self.styles.first(where: { $0.word == arguments[4] })?.style, arguments[5].hasPrefix("/")
        else {
            return nil
        }
        var groups: [Group] = []
        for word in arguments[6...] {
            guard let at = word.firstIndex(of: "@"),
                let index = AgentEnvironment.decimal(String(word[..<at])).flatMap(Int32.init(exactly:)),
                let addresses = try? AddressList.parse(word[word.index(after: at)...]).addresses
            else {
                return nil
            }
            if groups.last?.interfaceIndex != index {
                groups.append(Group(interfaceIndex: index, addresses: []))
            }
            groups[groups.count - 1].addresses += addresses
        }
        self.init(
            groups: groups,
            rounds: rounds,
            intervalMilliseconds: interval,
            framesPerSecond: rate,
            style: style,
            identityFile: arguments[5]
        )
    }

    /// The arguments of the detached announcer, behind the program's path; neighbouring addresses are one range.
    var arguments: [String] {
        var words = [
            Self.personality, "\(rounds)", "\(intervalMilliseconds)", "\(framesPerSecond)",
            Self.styles.first { $0.style == style }?.word ?? "both", identityFile,
        ]
        for group in groups {
            var rest = group.addresses[...]
            while let first = rest.first {
                var count = 1
                while count < rest.count, rest[rest.startIndex + count] == first.advanced(by: UInt64(count)) {
                    count += 1
                }
                let last = rest[rest.startIndex + count - 1]
                words.append("\(group.interfaceIndex)@\(first)" + (count > 1 ? "-\(last)" : ""))
                rest = rest.dropFirst(count)
            }
        }
        return words
    }

    private static let styles: [(word: String, style: Announcement.Style)] = [
        ("both", .requestAndReply), ("request", .request), ("reply", .reply),
    ]

    /// Opens a speaker for every interface that announcements make sense on.
    ///
    /// - Parameters:
    ///   - links: The interfaces that are there.
    ///   - inherited: A descriptor that may be a packet socket of the process that started this one.
    /// - Returns: The speakers.
    /// - Throws: ``SystemError`` when no socket can be opened.
    func speakers(_ links: [NetworkLink], inherited: CInt? = nil) throws(SystemError) -> [DeviceSpeaker] {
        var inherited = inherited
        var speakers: [DeviceSpeaker] = []
        for group in groups {
            guard let link = links.first(where: { $0.index == group.interfaceIndex }), !link.name.hasPrefix("lo"),
                !link.isLoopback, !link.isWithoutARP, let device = link.announcingDevice
            else {
                continue
            }
            let isRouter =
                group.addresses.contains { $0.family == .ipv6 }
                && SystemControl.isEnabled("net/ipv6/conf/\(link.name)/forwarding")
            let speaker = try DeviceSpeaker(device, group.addresses, isRouter: isRouter, adopting: inherited)
            if speaker.hasAdopted {
                inherited = nil
            }
            speakers.append(speaker)
        }
        return speakers
    }

    /// Sends the rounds, every address once before any is repeated, until they are over or no address is left.
    func repeatRounds(_ speakers: [DeviceSpeaker], _ socket: borrowing NetlinkSocket) throws {
        for _ in 0..<rounds {
            usleep(UInt32(intervalMilliseconds) * 1000)
            for speaker in speakers {
                var slices = 0
                for slice in speaker.slices(style) {
                    // An address may move to another node meanwhile; announcing it from here would take it back.
                    if slices % 8 == 0 {
                        try speaker.keep(socket.addresses())
                    }
                    slices += 1
                    let count = try speaker.send(slice)
                    usleep(UInt32(count * 1_000_000 / framesPerSecond))
                }
            }
            if speakers.allSatisfy(\.isSilent) {
                return
            }
        }
    }

    /// Runs as the announcer; its exit status.
    static func run(_ arguments: [String]) -> Int32 {
        guard let job = AnnouncerSetJob(arguments: arguments) else {
            return OCFExit.arguments.rawValue
        }
        defer { DetachedAnnouncer.removeOwn(job.identityFile) }
        do {
            let socket = try NetlinkSocket(.route)
            try job.repeatRounds(job.speakers(socket.links(), inherited: 0), socket)
            return OCFExit.success.rawValue
        } catch {
            return OCFExit.generic.rawValue
        }
    }
}
