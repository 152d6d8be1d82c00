// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// Announcements of any number of addresses: IPv4 by gratuitous ARP, IPv6 by neighbour advertisements.
///
/// A round has one packet or two for each address; every address has its first before any has its second.
public final class AnnouncementSet {
    /// Addresses of one family on one device.
    private final class Group {
        let device: AnnouncingDevice
        let family: IPAddress.Family
        let speaker: any AnnouncementSpeaker
        var addresses: [Announced] = []
        /// Those that have gone from the host.
        var gone: Set<IPAddress> = []

        init(_ device: AnnouncingDevice, _ family: IPAddress.Family, _ speaker: any AnnouncementSpeaker) {
            self.device = device
            self.family = family
            self.speaker = speaker
        }
    }

    private let style: Announcement.Style
    private let usesOnesAsTarget: Bool
    private var groups: [Group] = []

    /// Starts without addresses.
    ///
    /// - Parameters:
    ///   - style: Which packets a round has for an IPv4 address.
    ///   - usesOnesAsTarget: Whether the target hardware address of requests is all ones, as in old arping.
    public init(_ style: Announcement.Style, usesOnesAsTarget: Bool = false) {
        self.style = style
        self.usesOnesAsTarget = usesOnesAsTarget
    }

    /// Appends an address.
    ///
    /// - Parameters:
    ///   - address: The address.
    ///   - device: Where it is announced; one socket is opened for each device and family.
    ///   - hardware: The hardware address that it has now, of the length of the device's; nil is the device's own.
    /// - Throws: ``SystemError`` when the socket cannot be opened.
    public func append(
        _ address: IPAddress,
        on device: AnnouncingDevice,
        hardware: LinkLayerAddress? = nil
    ) throws(SystemError) {
        let item = Announced(address: address, hardware: hardware ?? device.hardware)
        try group(device, address.family).addresses.append(item)
    }

    private func group(_ device: AnnouncingDevice, _ family: IPAddress.Family) throws(SystemError) -> Group {
        if let group = groups.last(where: { $0.device.index == device.index && $0.family == family }) {
            return group
        }
        let speaker: any AnnouncementSpeaker =
            switch family {
            case .ipv4: try ARPSpeaker(device, style, usesOnesAsTarget: usesOnesAsTarget)
            case .ipv6: try AdvertisementSpeaker(device)
            }
        let group = Group(device, family, speaker)
        groups.append(group)
        return group
    }

    /// The sockets, for a process that goes on with the rounds.
    public var descriptors: [CInt] { groups.map(\.speaker.descriptor) }

    /// Whether there is no address, or none any more.
    public var isSilent: Bool {
        groups.allSatisfy { group in group.addresses.allSatisfy { group.gone.contains($0.address) } }
    }

    /// Takes note that an address has gone from an interface, or is there again; others than those of the set do not matter.
    public func note(_ address: IPAddress, on index: Int32, isHere: Bool) {
        for group in groups where group.device.index == index && group.family == address.family {
            if isHere {
                group.gone.remove(address)
            } else if group.addresses.contains(where: { $0.address == address }) {
                group.gone.insert(address)
            }
        }
    }

    /// Takes note of which addresses are on the host.
    ///
    /// - Parameter isHere: Answers for an address and an interface.
    public func note(_ isHere: (IPAddress, Int32) -> Bool) {
        for group in groups {
            group.gone = Set(group.addresses.map(\.address).filter { !isHere($0, group.device.index) })
        }
    }

    /// Sends the first packet of every address at once and without pauses.
    ///
    /// - Throws: ``SystemError`` of the first packet that could not be sent; the others are sent.
    public func sendFirst() throws(SystemError) {
        var failure: SystemError?
        for group in groups {
            do throws(SystemError) {
                try group.speaker.send(group.addresses, kind: 0)
            } catch {
                failure = failure ?? error
            }
        }
        if let failure {
            throw failure
        }
    }

    /// Sends rounds without flooding the network; an address that cannot be announced keeps no other from it.
    ///
    /// - Parameters:
    ///   - schedule: How many rounds, and how fast.
    ///   - isFirstSent: Whether ``sendFirst()`` has sent the first packet of the first round.
    ///   - pause: Waits for a time; false ends the run.
    /// - Throws: ``SystemError`` of the first packet that could not be sent, when all is over.
    public func send(
        _ schedule: AnnouncementSchedule,
        isFirstSent: Bool = false,
        pause: (Duration) -> Bool
    ) throws(SystemError) {
        var failure: SystemError?
        var burst = 0
        rounds: for round in 0..<schedule.rounds {
            if round > 0 {
                burst = 0
                guard pause(schedule.interval), !isSilent else {
                    break
                }
            }
            for slice in slices(skippingFirst: round == 0 && isFirstSent) {
                if burst >= AnnouncementSchedule.burst {
                    guard pause(.seconds(1) * burst / schedule.framesPerSecond), !isSilent else {
                        break rounds
                    }
                    burst = 0
                }
                let here = slice.addresses.filter { !slice.group.gone.contains($0.address) }
                do throws(SystemError) {
                    try slice.group.speaker.send(here, kind: slice.kind)
                } catch {
                    failure = failure ?? error
                }
                burst += here.count
            }
        }
        if let failure {
            throw failure
        }
    }

    /// A part of a round.
    private struct Slice {
        let group: Group
        let kind: Int
        let addresses: ArraySlice<Announced>
    }

    /// The parts of a round, each at most a burst long: all first packets, then all second ones.
    private func slices(skippingFirst: Bool) -> [Slice] {
        let kinds = groups.map(\.speaker.kinds).max() ?? 0
        var slices: [Slice] = []
        for kind in (skippingFirst ? 1 : 0)..<max(1, kinds) {
            for group in groups where kind < group.speaker.kinds {
                var rest = group.addresses[...]
                while !rest.isEmpty {
                    let part = rest.prefix(AnnouncementSchedule.burst)
                    slices.append(Slice(group: group, kind: kind, addresses: part))
                    rest = rest.dropFirst(part.count)
                }
            }
        }
        return slices
    }
}
