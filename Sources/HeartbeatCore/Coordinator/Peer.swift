// SPDX-License-Identifier: Apache-2.0

/// What we know about another node.
struct Peer: Sendable {
    /// What the peer said last in its probes, over whatever link they came.
    struct ProbeView: Sendable {
        var sentAt: Int64
        var arrived: MonotonicTime
        var hearsUs: UInt8
        var pings: UInt8
        var carriers: UInt8
        var flags: UInt8
    }

    let id: NodeID
    var name: String
    var monitors: [UInt8: LinkMonitor] = [:]
    var knet: [UInt8: KnetLink] = [:]
    var roundTrip: [UInt8: Duration] = [:]
    var lateLoggedAt: [UInt8: MonotonicTime] = [:]
    var isInGroup = false
    var view: GroupMessage?
    var viewArrived: MonotonicTime?
    var probeView: ProbeView?

    /// A fresh view is awaited since the membership changed.
    var owesView = false

    /// Its run, by its messages.
    var incarnation: UInt64? { view?.incarnation }

    /// Whether we hear it on a link: by its probes, and by knet where probes tell nothing.
    ///
    /// Silence on every link at once while knet is connected is not a fault of a link: the peer's daemon is stopped or a
    /// firewall eats the probes.
    func hears(_ link: UInt8) -> Bool? {
        let own = monitors[link]?.hears
        if own == true {
            return true
        }
        if isKnetAsked {
            return knet[link].map { $0.hears ?? $0.isConnected }
        }
        return own
    }

    /// Whether no probe arrives on any link although knet's do: then knet alone speaks.
    var isKnetAsked: Bool {
        monitors.values.allSatisfy { $0.hears != true } && knet.values.contains(where: \.isConnected)
    }

    /// Whether it hears us on a link, by what it said last.
    func hearsUs(_ link: UInt8, us: NodeID) -> Bool? {
        if let probeView, probeView.sentAt >= view?.sentAt ?? Int64.min {
            return probeView.hearsUs & 1 << link != 0
        }
        return view?.peerLinks.first { $0.peer == us && $0.link == link }?.hears.value
            ?? (isKnetAsked ? knet[link]?.isHeard : nil)
    }

    /// Whether its own end of a link has carrier and address, by what it said last.
    func carrier(_ link: UInt8) -> Bool? {
        if let probeView, probeView.sentAt >= view?.sentAt ?? Int64.min {
            return probeView.carriers & 1 << link != 0
        }
        return view?.localLinks.first { $0.link == link }.map { $0.hasCarrier && $0.hasAddress }
    }

    /// Its own end of a link, as its last view has it.
    func localLink(_ link: UInt8) -> LocalLinkRecord? { view?.localLinks.first { $0.link == link } }

    /// When it last spoke by any way.
    var lastWord: MonotonicTime? {
        switch (viewArrived, probeView?.arrived) {
        case (let view?, let probe?): max(view, probe)
        case (let view, let probe): view ?? probe
        }
    }

    /// What it says about a link; nil when it never told its view.
    func evidence(_ link: UInt8, us: NodeID) -> LinkEvidence? {
        guard let view else {
            return nil
        }
        let local = view.localLinks.first { $0.link == link }
        let pings = view.pings.first { $0.link == link }
        var evidence = LinkEvidence(
            node: id,
            hasCarrier: local.map { $0.hasCarrier && $0.hasAddress } ?? false,
            pingTotal: Int(pings?.total ?? 0),
            pingAlive: Int(pings?.alive ?? 0),
            receives: local?.receives ?? true
        )
        for record in view.peerLinks where record.link == link {
            evidence.hears[record.peer] = record.hears.value
        }
        // Probes are sent five times a second and are not held up with the group; the newer word counts.
        if let probeView, probeView.sentAt > view.sentAt {
            let bit: UInt8 = 1 << link
            evidence.hasCarrier = probeView.carriers & bit != 0
            evidence.hears[us] = probeView.hearsUs & bit != 0
            if probeView.pings & bit == 0 {
                evidence.pingAlive = 0
            } else if evidence.pingAlive == 0 {
                evidence.pingAlive = min(1, evidence.pingTotal)
            }
        }
        return evidence
    }
}
