// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// Our end of one link: its sockets, and for each peer what was sent and heard.
///
/// It belongs to the network thread.
final class LinkEnd {
    /// What is remembered of one peer.
    private struct Direction {
        var sequence: UInt64 = 0
        var sent = [(sequence: UInt64, time: MonotonicTime)](
            repeating: (0, MonotonicTime(nanoseconds: 0)),
            count: 16
        )
        var heardIncarnation: UInt64 = 0
        var heard: UInt64 = 0
        var heardAt: MonotonicTime?
        var lastEcho: UInt64 = 0
    }

    /// The way there and back, if this probe tells it.
    struct RoundTrip {
        let time: Duration?
    }

    let link: UInt8
    let address: IPAddress

    /// The interface that has the address, or had it last.
    var interface = ""

    /// What is pinged.
    var targets: [IPAddress] = []

    /// When the interface last received a frame.
    private(set) var lastReception: MonotonicTime?

    private var receivedFrames: UInt32?
    private var probes: LinkSocket?
    private var pings: LinkSocket?
    private var openedInterface = ""
    private var directions: [NodeID: Direction] = [:]

    init(link: UInt8, address: IPAddress) {
        self.link = link
        self.address = address
    }

    var probeDescriptor: CInt { probes?.descriptor ?? -1 }
    var pingDescriptor: CInt { pings?.descriptor ?? -1 }

    /// Opens the sockets when they are not open on this very interface; what fails is tried again with the next table.
    func open(port: UInt16, index: UInt32) {
        if openedInterface != interface || probes?.interfaceIndex != index {
            probes = nil
            pings = nil
            openedInterface = interface
        }
        if probes == nil {
            let local = SocketAddress(address, port: port, scope: address.isLinkLocal ? index : 0)
            probes = try? LinkSocket(probesFrom: local, interface: interface, index: index)
        }
        if pings == nil, address.family == .ipv4 {
            pings = try? LinkSocket(pingsFrom: address, interface: interface, index: index)
        }
    }

    /// Notes the interface's counter of received frames.
    func note(receivedFrames count: UInt32, at now: MonotonicTime) {
        if count != receivedFrames {
            receivedFrames = count
            lastReception = now
        }
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
        var direction = directions[peer] ?? Direction()
        direction.sequence += 1
        direction.sent[Int(direction.sequence % 16)] = (direction.sequence, now)
        directions[peer] = direction
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
            echoAgeMilliseconds: direction.heardAt.map { (now - $0).clampedMilliseconds } ?? UInt32.max,
            hears: content.peers[peer]?.hears ?? 0,
            pings: content.pings,
            carriers: content.carriers,
            keyID: keyID
        )
    }

    /// Takes an authentic probe; nil when it is not newer than what was heard before.
    func accept(_ probe: ProbeDatagram, at now: MonotonicTime) -> RoundTrip? {
        var direction = directions[probe.source] ?? Direction()
        if direction.heardIncarnation != probe.sourceIncarnation {
            direction.heardIncarnation = probe.sourceIncarnation
            direction.heard = 0
        }
        guard probe.sequence > direction.heard else {
            return nil
        }
        direction.heard = probe.sequence
        direction.heardAt = now
        var time: Duration?
        let sent = direction.sent[Int(probe.echo % 16)]
        if probe.echo > direction.lastEcho, sent.sequence == probe.echo {
            time = max(.zero, now - sent.time - .milliseconds(Int64(probe.echoAgeMilliseconds)))
        }
        direction.lastEcho = probe.echo
        directions[probe.source] = direction
        return RoundTrip(time: time)
    }

    func sendProbe(_ bytes: [UInt8], to target: SocketAddress) -> Bool {
        var target = target
        if target.address.isLinkLocal, target.address.family == .ipv6 {
            target.scope = probes?.interfaceIndex ?? 0
        }
        return probes?.send(bytes, to: target) ?? false
    }

    func sendPing(_ bytes: [UInt8], to target: IPAddress) {
        pings?.send(bytes, to: SocketAddress(target, port: 0))
    }

    func receiveProbe(_ buffer: inout [UInt8]) -> LinkSocket.Datagram? { probes?.receive(&buffer) }

    func receivePing(_ buffer: inout [UInt8]) -> LinkSocket.Datagram? { pings?.receive(&buffer) }
}
