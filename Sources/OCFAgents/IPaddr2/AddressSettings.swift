// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import NeighborPackets

/// The parameters of one IPaddr2 resource, read leniently: what cannot be read is left out and noted as a problem.
///
/// start and validate-all refuse on the first problem; stop and monitor go on with what is left, because a mistyped
/// parameter must neither fence a node nor hide an address that is configured.
struct AddressSettings: Sendable {
    /// Where the IPv4 broadcast address comes from.
    enum Broadcast: Sendable, Equatable {
        case derived
        case highest
        case lowest
        case literal(IPAddress)
    }

    private typealias Names = IPaddr2Parameters

    /// The address; nil when its text is not one.
    private(set) var address: IPAddress?
    /// The interface without a label; empty when it is to be derived.
    private(set) var nic = ""
    /// The part of the label behind the colon; empty when none is asked for.
    private(set) var labelSuffix = ""
    private(set) var prefix: UInt8?
    private(set) var broadcast = Broadcast.derived
    private(set) var routeOrigin: UInt8?
    private(set) var announcementCount = 5
    private(set) var announcementInterval = Duration.milliseconds(200)
    private(set) var refreshCount = 0
    private(set) var style = Announcement.Style.requestAndReply
    private(set) var preferredSeconds: UInt32?
    /// The address label for an IPv6 address; nil when it gets none.
    private(set) var addressLabel: UInt32?
    /// How the address is shared with the other instances of a clone; nil when it is not.
    private(set) var cluster: ClusteredAddress?
    /// How a start answers when another host has the address.
    private(set) var collisionExit = OCFExit.generic
    let announcesInBackground: Bool
    let movesFromLoopback: Bool
    let probesFirst: Bool
    let skipsDuplicateDetection: Bool
    let skipsPrefixRoute: Bool
    let flushesRoutes: Bool
    let checksLink: Bool
    let namespace: String

    /// What is wrong with the address, the interface, the prefix or the broadcast.
    private(set) var placementProblem: String?
    /// What is wrong with the other parameters.
    private(set) var otherProblem: String?
    /// What is accepted but deserves a line in the log.
    private(set) var remarks: [String] = []

    init(_ environment: AgentEnvironment) {
        let isIPv6 = environment.text(Names.ip).contains(":")
        let background = environment.text(Names.arpBackground)
        announcesInBackground = background.isEmpty ? !isIPv6 : AgentEnvironment.isTrue(background)
        movesFromLoopback = environment.boolean(Names.lvsSupport)
        probesFirst = environment.boolean(Names.runArping)
        skipsDuplicateDetection = environment.boolean(Names.noDuplicateDetection)
        skipsPrefixRoute = environment.boolean(Names.noPrefixRoute)
        flushesRoutes = environment.boolean(Names.flushRoutes)
        checksLink = environment.boolean(Names.checkLinkStatus)
        namespace = environment.text(Names.namespace)
        readPlacement(environment, isIPv6: isIPv6)
        readOther(environment, isIPv6: isIPv6)
    }

    /// The same settings for another address of the same family, with its own prefix and interface where it has them.
    func with(_ address: IPAddress, prefix: UInt8?, nic: String?) -> AddressSettings {
        var copy = self
        copy.address = address
        copy.prefix = prefix ?? self.prefix
        copy.nic = nic ?? self.nic
        return copy
    }

    /// The label of the address on an interface; nil when none is asked for.
    func label(on link: String) -> String? { labelSuffix.isEmpty ? nil : "\(link):\(labelSuffix)" }

    private mutating func readPlacement(_ environment: AgentEnvironment, isIPv6: Bool) {
        let text = Self.trimmed(environment.text(Names.ip))
        address = Self.address(text)
        if address == nil {
            note(placement: "ip=\"\(text)\" is not an address, such as 192.0.2.1 or 2001:db8::1")
        }
        readClone(environment)
        let device = environment.text(Names.nic)
        let suffix = environment.text(Names.label)
        if let colon = device.firstIndex(of: ":") {
            nic = String(device[..<colon])
            labelSuffix = String(device[device.index(after: colon)...])
            remarks.append("nic=\"\(device)\": a label in nic is deprecated, use iflabel")
        } else {
            nic = device
            labelSuffix = suffix
        }
        if isIPv6 && !labelSuffix.isEmpty {
            remarks.append("label \"\(labelSuffix)\" is ignored: IPv6 addresses have none")
            labelSuffix = ""
        }
        if let address, address.family == .ipv6, address.isLinkLocal, nic.isEmpty {
            note(placement: "ip=\(address) is link-local: set nic to say on which link")
        }
        readPrefix(environment, isIPv6: isIPv6)
        readBroadcast(environment, isIPv6: isIPv6)
        let proto = environment.text(Names.proto)
        if !proto.isEmpty {
            routeOrigin = Self.routeOrigin(proto)
            if routeOrigin == nil {
                note(placement: "proto=\"\(proto)\" is not a routing protocol: use kernel, boot, static or 1 to 255")
            }
        }
    }

    /// With `unique_clone_address` the address of this instance is another one than `ip`.
    private mutating func readClone(_ environment: AgentEnvironment) {
        if let value = address?.ipv4Value, [0, 255].contains(value & 0xff) {
            remarks.append("ip=\"\(environment.text(Names.ip))\" may be the network or broadcast address of a network")
        }
        guard environment.boolean(Names.uniqueCloneAddress), let base = address else {
            return
        }
        guard AgentEnvironment.isTrue(environment.meta("globally_unique") ?? "") else {
            note(other: "unique_clone_address needs a clone with the meta attribute globally-unique=true")
            return
        }
        let text = environment.meta("clone") ?? ""
        let clone = AgentEnvironment.decimal(text)
        address = clone.flatMap { CloneAddress.address(base, clone: $0) }
        if address == nil {
            note(
                placement: base.family == .ipv6
                    ? "unique_clone_address is for IPv4 only"
                    : "ip=\(base) plus the clone number \"\(text)\" is not an address of the same network"
            )
        }
    }

    private mutating func readPrefix(_ environment: AgentEnvironment, isIPv6: Bool) {
        let given = environment.text(Names.prefix)
        let text = given.isEmpty ? environment.text(Names.netmaskAlias) : given
        guard !text.isEmpty else {
            return
        }
        let longest = isIPv6 ? 128 : 32
        if let length = AgentEnvironment.decimal(text), (1...longest).contains(length) {
            prefix = UInt8(length)
        } else if !isIPv6, text.contains("."), let mask = IPAddress(text)?.ipv4Value, mask != 0,
            mask.leadingZeroBitCount == 0, ~mask & (~mask &+ 1) == 0
        {
            prefix = UInt8(mask.nonzeroBitCount)
            remarks.append("cidr_netmask=\"\(text)\": use the prefix length \(mask.nonzeroBitCount)")
        } else {
            note(placement: "cidr_netmask=\"\(text)\" is not a prefix length of 1 to \(longest)")
        }
    }

    private mutating func readBroadcast(_ environment: AgentEnvironment, isIPv6: Bool) {
        let text = environment.text(Names.broadcast)
        switch text {
        case "": break
        case _ where isIPv6: remarks.append("broadcast=\"\(text)\" is ignored: IPv6 has none")
        case "+": broadcast = .highest
        case "-": broadcast = .lowest
        default:
            if let literal = IPAddress(text), literal.family == .ipv4 {
                broadcast = .literal(literal)
            } else {
                note(placement: "broadcast=\"\(text)\" is neither an IPv4 address nor + nor -")
            }
        }
    }

    private mutating func readOther(_ environment: AgentEnvironment, isIPv6: Bool) {
        if let count = number(Names.arpCount, environment, in: 1...100_000) {
            announcementCount = count
        }
        if let interval = number(Names.arpInterval, environment, in: 1...3_600_000) {
            announcementInterval = .milliseconds(interval)
        }
        if let count = number(Names.arpCountRefresh, environment, in: 0...100_000) {
            refreshCount = count
        }
        switch environment.text(Names.arpSender) {
        case "", "send_arp": style = .requestAndReply
        case "iputils_arping", "libnet_arping", "ipoibarping": style = .request
        case let word: note(other: "arp_sender=\"\(word)\" is unknown: use send_arp or iputils_arping")
        }
        readAnnouncerOptions(environment)
        switch environment.text(Names.collisionExit) {
        case "generic": break
        case "installed": collisionExit = .installed
        case let word: note(other: "collision_exit=\"\(word)\" is neither generic nor installed")
        }
        let label = number(Names.addressLabelValue, environment, in: 0...Int(UInt32.max - 1))
        if isIPv6 {
            if environment.boolean(Names.addressLabel) {
                addressLabel = label.map(UInt32.init)
            }
            let lifetime = environment.text(Names.preferredLifetime)
            if lifetime != "forever" {
                if let seconds = AgentEnvironment.decimal(lifetime).flatMap(UInt32.init(exactly:)), seconds < .max {
                    preferredSeconds = seconds
                } else {
                    note(other: "preferred_lft=\"\(lifetime)\" is neither forever nor a number of seconds")
                }
            }
            if movesFromLoopback {
                note(other: "lvs_support is for IPv4 only")
            }
        }
        if let text = environment.meta("clone_max"), !text.isEmpty {
            // On the loopback device every node has the same address for itself; that needs no cluster mode.
            let clones = AgentEnvironment.decimal(text) ?? 0
            if clones < 1 {
                note(other: "clone-max=\"\(text)\" is not a positive number")
            } else if clones > 1 && !nic.hasPrefix("lo") && address?.isLoopback != true {
                readSharing(environment, clones, isIPv6: isIPv6)
            }
        }
        for name in Names.clusteredMode where cluster == nil && environment.isSet(name) {
            remarks.append("\(name.name) has no effect: the address is not shared by the instances of a clone")
        }
    }

    private mutating func readSharing(_ environment: AgentEnvironment, _ clones: Int, isIPv6: Bool) {
        if environment.boolean(Names.uniqueCloneAddress) {
            if movesFromLoopback {
                note(other: "lvs_support cannot be used in a clone")
            }
            return
        }
        let sharing = ClusteredAddress(environment, buckets: clones, isIPv6: isIPv6)
        if let problem = sharing.problem {
            note(other: problem)
        }
        cluster = sharing
    }

    /// Historic options of the sender; a parameter of its own goes first, as it came last on the command line.
    private mutating func readAnnouncerOptions(_ environment: AgentEnvironment) {
        do {
            let options = try AnnouncerOptions(environment.text(Names.senderOptions))
            style = options.style ?? style
            if let rounds = options.rounds, !environment.isSet(Names.arpCount) {
                announcementCount = rounds
            }
            if let interval = options.intervalMilliseconds, !environment.isSet(Names.arpInterval) {
                announcementInterval = .milliseconds(interval)
            }
        } catch {
            note(other: error.reason)
        }
    }

    private mutating func number(
        _ parameter: Parameter,
        _ environment: AgentEnvironment,
        in range: ClosedRange<Int>
    ) -> Int? {
        do {
            return try environment.integer(parameter, in: range)
        } catch {
            note(other: error.reason)
            return nil
        }
    }

    private mutating func note(placement problem: String) { placementProblem = placementProblem ?? problem }

    private mutating func note(other problem: String) { otherProblem = otherProblem ?? problem }

    private static func address(_ text: String) -> IPAddress? {
        guard let address = IPAddress(text) else {
            return nil
        }
        switch address.family {
        case .ipv4: return address.bytes[0] == 0 ? nil : address
        case .ipv6: return text.contains(".") ? nil : address
        }
    }

    private static func routeOrigin(_ text: String) -> UInt8? {
        // /etc/iproute2/rt_protos names more, by what a host has installed; the kernel's own are enough here.
        switch text {
        case "redirect": 1
        case "kernel": 2
        case "boot": 3
        case "static": 4
        case "ra": 9
        case "zebra": 11
        case "bird": 12
        case "dhcp": 16
        case "keepalived": 18
        case "bgp": 186
        case "ospf": 188
        default: AgentEnvironment.decimal(text).flatMap(UInt8.init(exactly:)).flatMap { $0 == 0 ? nil : $0 }
        }
    }

    private static func trimmed(_ text: String) -> String {
        var part = text[...]
        while part.first?.isWhitespace == true {
            part.removeFirst()
        }
        while part.last?.isWhitespace == true {
            part.removeLast()
        }
        return String(part)
    }
}
