// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import NeighborPackets

/// Our end of one link: its sockets, and for each peer what was sent and heard.
///
/// It belongs to the network thread.
final class LinkEnd {
    /// What is remembered of one peer.
    private struct Direction {
        var sequence: UInt64 = 0
        var sent = [(sequence: UInt64, time: MonotonicTime)](
            repeating: (0, MonotonicTime(nanoseconds: 0)),
            count: 64
        )
        var heardIncarnation: UInt64 = 0
        var heard: UInt64 = 0
        var window: UInt64 = 0
        var heardAt: MonotonicTime?
        var arrivedAt: MonotonicTime?
        var lastEcho: UInt64 = 0
        var echoAge = Duration.zero
        var sentAt: MonotonicTime?

        /// Counts a probe that is sent now; in place, since a copy of what was sent costs more than the probe.
        mutating func noteSending(at now: MonotonicTime) -> (sequence: UInt64, heard: UInt64, arrived: MonotonicTime?) {
            sequence += 1
            sent[Int(sequence % 64)] = (sequence, now)
            sentAt = now
            return (sequence, heard, arrivedAt)
        }

        /// Whether a number is new; those up to 63 below the newest may come late, but only once.
        mutating func takes(_ number: UInt64) -> Bool {
            if number > heard {
                let step = number - heard
                window = step < 64 ? window << step | 1 : 1
                heard = number
                return true
            }
            let age = heard - number
            guard age < 64, window & 1 << age == 0 else {
                return false
            }
            window |= 1 << age
            return true
        }
    }

    /// When something is sent next: seldom while all is well, soon after a silence that may be a cut.
    ///
    /// A cut is then told from lost probes within the dead time: a dozen in a row are not lost by chance.
    private struct Rhythm {
        static let longestSuspicion = Duration.seconds(3)

        let keepalive: Duration

        var patience: Duration { keepalive * 8 / 5 }

        /// `beat` is when everything is sent that has no reason to be sent sooner.
        func due(
            sentAt: MonotonicTime,
            heardAt: MonotonicTime?,
            isLossy: Bool,
            beat: MonotonicTime,
            at now: MonotonicTime
        ) -> MonotonicTime {
            let regular = isLossy ? min(beat, sentAt + keepalive / 4) : beat
            guard let heardAt, now - heardAt < Self.longestSuspicion else {
                return regular
            }
            let soon = sentAt + max(.milliseconds(20), keepalive / 5)
            return min(regular, max(soon, heardAt + patience))
        }
    }

    /// The way there and back, if this probe tells it.
    struct RoundTrip {
        let time: Duration?
    }

    /// How long an answer proves the way.
    private static let proof = Duration.seconds(1)

    let link: UInt8
    let address: IPAddress

    /// The interface that has the address, or had it last.
    var interface = ""

    /// What is pinged.
    var targets: [IPAddress] = []

    /// When the interface last received a frame.
    private(set) var lastReception: MonotonicTime?

    private var receivedFrames: UInt32?

    /// Frames received between the last two looks at the interface.
    private(set) var receivedDelta: UInt32 = 0

    /// The speed of the interface, asked for when it begins to run.
    private var speed: (interface: String, value: UInt32)?

    private var probes: LinkSocket?
    private var pings: LinkSocket?
    private var arp: PacketSocket?
    private var question: GatewayQuestion?
    private var openedInterface = ""
    private var directions: [NodeID: Direction] = [:]
    private var pinged: [IPAddress: MonotonicTime] = [:]
    private var answered: [IPAddress: MonotonicTime] = [:]
    private var lastEchoes: [IPAddress: UInt16] = [:]

    init(link: UInt8, address: IPAddress) {
        self.link = link
        self.address = address
    }

    var probeDescriptor: CInt { probes?.descriptor ?? -1 }
    var pingDescriptor: CInt { pings?.descriptor ?? -1 }
    var arpDescriptor: CInt { arp?.raw ?? -1 }

    /// Opens the sockets when they are not open on this very interface; what fails is tried again with the next table.
    func open(port: UInt16, ttl: UInt8, index: UInt32) {
        if openedInterface != interface || probes?.interfaceIndex != index {
            probes = nil
            pings = nil
            openedInterface = interface
        }
        if probes == nil {
            let local = SocketAddress(address, port: port, scope: address.isLinkLocal ? index : 0)
            probes = try? LinkSocket(probesFrom: local, interface: interface, index: index, ttl: ttl)
        }
        if pings == nil {
            pings = try? LinkSocket(pingsFrom: address, interface: interface, index: index)
        }
    }

    /// Asks the default gateway by ARP or neighbour solicitation too, when it does not answer echoes; nil: nobody.
    func ask(_ gateway: IPAddress?, on device: AnnouncingDevice?) {
        let new = gateway.flatMap { gateway in
            device.flatMap { GatewayQuestion(gateway: gateway, address: address, device: $0) }
        }
        if let new, new.asksTheSame(as: question), arp != nil || address.family == .ipv6 {
            return
        }
        question = new
        arp = nil
        if let new, address.family == .ipv4 {
            // What fails is tried again with the next table.
            arp = try? PacketSocket(interfaceIndex: new.device.index, name: interface, receiving: ARPPacket.etherType)
            if (try? arp?.acceptOnlyReplies(of: new.gateway, to: address)) == nil {
                arp = nil
            }
        }
    }

    /// Notes the interface's counter of received frames.
    func note(receivedFrames count: UInt32, at now: MonotonicTime) {
        receivedDelta = receivedFrames.map { count &- $0 } ?? 0
        if count != receivedFrames {
            receivedFrames = count
            lastReception = now
        }
    }

    /// The interface's speed in Mbit/s; 0 while it does not run.
    func speed(isRunning: Bool, _ ask: (String) -> UInt32) -> UInt32 {
        guard isRunning else {
            speed = nil
            return 0
        }
        if let speed, speed.interface == interface {
            return speed.value
        }
        let value = ask(interface)
        speed = (interface, value)
        return value
    }

    /// The next probe for a peer.
    func nextProbe(
        from node: NodeID,
        to peer: NodeID,
        incarnation: UInt64,
        content: ProbeContent,
        keyID: UInt8,
        at now: MonotonicTime
    ) -> ProbeDatagram {
        let direction = directions[peer, default: Direction()].noteSending(at: now)
        return ProbeDatagram(
            link: link,
            flags: content.flags,
            source: node,
            destination: peer,
            sourceIncarnation: incarnation,
            destinationIncarnation: content.peers[peer]?.incarnation ?? 0,
            sequence: direction.sequence,
            sentAt: now.nanoseconds,
            echo: direction.heard,
            echoAgeMilliseconds: direction.arrived.map { (now - $0).clampedMilliseconds } ?? UInt32.max,
            hears: content.peers[peer]?.hears ?? 0,
            pings: content.pings,
            carriers: content.carriers,
            keyID: keyID
        )
    }

    /// Takes an authentic probe; nil when it is not newer than what was heard before.
    ///
    /// - Parameters:
    ///   - probe: What it says.
    ///   - waited: How long it lay in the socket, which is no part of its way.
    ///   - now: The present.
    /// - Returns: What it tells of the way; nil when it must be ignored.
    func accept(_ probe: ProbeDatagram, waited: Duration = .zero, at now: MonotonicTime) -> RoundTrip? {
        let arrived = now - waited
        var direction = directions[probe.source] ?? Direction()
        if direction.heardIncarnation != probe.sourceIncarnation {
            direction.heardIncarnation = probe.sourceIncarnation
            direction.lastEcho = 0
            direction.heard = 0
            direction.window = 0
        }
        guard direction.takes(probe.sequence) else {
            return nil
        }
        direction.heardAt = now
        direction.arrivedAt = arrived
        lastReception = now
        if probe.sequence == direction.heard {
            direction.echoAge = .milliseconds(Int64(probe.echoAgeMilliseconds))
        }
        var time: Duration?
        let sent = direction.sent[Int(probe.echo % 64)]
        if probe.echo > direction.lastEcho, sent.sequence == probe.echo {
            time = max(.zero, arrived - sent.time - .milliseconds(Int64(probe.echoAgeMilliseconds)))
        }
        direction.lastEcho = max(direction.lastEcho, probe.echo)
        directions[probe.source] = direction
        return RoundTrip(time: time)
    }

    /// When the next probe to a peer is due.
    func probeDue(
        to peer: NodeID,
        keepalive: Duration,
        isLossy: Bool,
        beat: MonotonicTime,
        at now: MonotonicTime
    ) -> MonotonicTime {
        guard let direction = directions[peer], let sentAt = direction.sentAt else {
            return now
        }
        let rhythm = Rhythm(keepalive: keepalive)
        // What the peer has not heard for a while makes us as suspicious as what we have not heard.
        let isUnheard = direction.echoAge > rhythm.patience && direction.echoAge < Rhythm.longestSuspicion
        let heardAt = direction.heardAt.map { isUnheard ? min($0, now - rhythm.patience) : $0 }
        return rhythm.due(sentAt: sentAt, heardAt: heardAt, isLossy: isLossy, beat: beat, at: now)
    }

    /// When the next ping of a target is due.
    func pingDue(
        _ target: IPAddress,
        keepalive: Duration,
        beat: MonotonicTime,
        at now: MonotonicTime
    ) -> MonotonicTime {
        guard let sentAt = pinged[target] else {
            return now
        }
        return Rhythm(keepalive: keepalive)
            .due(sentAt: sentAt, heardAt: answered[target], isLossy: false, beat: beat, at: now)
    }

    /// Notes that a target has answered an echo.
    ///
    /// - Parameters:
    ///   - target: Who has answered.
    ///   - sequence: The echo's number.
    ///   - waited: How long the reply lay in the socket.
    ///   - now: The present.
    /// - Returns: The way there and back, when it is the last echo that was answered.
    func noteReply(of target: IPAddress, sequence: UInt16, waited: Duration, at now: MonotonicTime) -> Duration? {
        answered[target] = now
        lastReception = now
        if target == question?.gateway {
            question?.noteEcho(at: now)
        }
        guard lastEchoes[target] == sequence, let sentAt = pinged[target] else {
            return nil
        }
        return max(.zero, now - waited - sentAt)
    }

    /// The gateway, if an ARP packet is its answer.
    func gateway(answeringBy payload: [UInt8], at now: MonotonicTime) -> IPAddress? {
        guard let hardware = question?.answer(in: payload) else {
            return nil
        }
        return noteAnswer(from: hardware, at: now)
    }

    /// The gateway, if an ICMPv6 message is its answer.
    func gateway(answeringBy message: [UInt8], hopLimit: UInt8?, at now: MonotonicTime) -> IPAddress? {
        question?.isAnswer(message, hopLimit: hopLimit) == true ? noteAnswer(from: nil, at: now) : nil
    }

    private func noteAnswer(from hardware: LinkLayerAddress?, at now: MonotonicTime) -> IPAddress? {
        question?.noteAnswer(from: hardware, at: now)
        guard let gateway = question?.gateway else {
            return nil
        }
        answered[gateway] = now
        lastReception = now
        return gateway
    }

    /// Whether a peer has just said that it hears us.
    func isHeard(by peer: NodeID, at now: MonotonicTime) -> Bool {
        guard let direction = directions[peer], let heardAt = direction.heardAt else {
            return false
        }
        return now - heardAt + direction.echoAge < Self.proof
    }

    func sendProbe(_ bytes: [UInt8], to target: SocketAddress, confirms: Bool) -> Bool {
        var target = target
        if target.address.isLinkLocal, target.address.family == .ipv6 {
            target.scope = probes?.interfaceIndex ?? 0
        }
        return probes?.send(bytes, to: target, confirms: confirms) ?? false
    }

    func sendPing(_ echo: EchoMessage, to target: IPAddress, keepalive: Duration, at now: MonotonicTime) {
        pinged[target] = now
        lastEchoes[target] = echo.sequence
        if target == question?.gateway {
            askGateway(patience: Rhythm(keepalive: keepalive).patience, at: now)
        }
        let isProven = answered[target].map { now - $0 < Self.proof } ?? false
        let scope = target.isLinkLocal && target.family == .ipv6 ? pings?.interfaceIndex ?? 0 : 0
        let bytes = target.family == .ipv4 ? echo.requestBytes : echo.icmpv6RequestBytes
        pings?.send(bytes, to: SocketAddress(target, port: 0, scope: scope), confirms: isProven)
    }

    private func askGateway(patience: Duration, at now: MonotonicTime) {
        guard let question, question.isDue(patience: patience, at: now) else {
            return
        }
        if let frame = question.frame(patience: patience, at: now) {
            arp?.trySend(frame.payload, etherType: ARPPacket.etherType, to: frame.destination)
        } else if let (message, destination) = question.solicitation(patience: patience, at: now) {
            let target = SocketAddress(destination, port: 0, scope: pings?.interfaceIndex ?? 0)
            pings?.send(message, to: target, confirms: false)
        }
    }

    func receiveARP(into batch: DatagramBatch) -> Int {
        batch.fillWhatComes(from: arpDescriptor)
    }

    func receiveProbes(into batch: DatagramBatch) -> Int { probes?.receive(into: batch) ?? 0 }

    func receivePings(into batch: DatagramBatch) -> Int { pings?.receive(into: batch) ?? 0 }
}
