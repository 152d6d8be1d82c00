// SPDX-License-Identifier: Apache-2.0

/// The values of Corosync that decide how soon and how surely the heartbeat works.
public struct CorosyncSettings: Equatable, Sendable {
    /// One link.
    public struct Link: Equatable, Sendable {
        /// `knet_ping_interval` in milliseconds, as it is in effect.
        public var pingInterval: Int

        /// `knet_ping_timeout` in milliseconds, as it is in effect.
        public var pingTimeout: Int

        /// `knet_link_priority`.
        public var priority: Int

        /// Joins the parts.
        public init(pingInterval: Int, pingTimeout: Int, priority: Int) {
            self.pingInterval = pingInterval
            self.pingTimeout = pingTimeout
            self.priority = priority
        }
    }

    /// `token` in milliseconds, as it is in effect.
    public var token: Int

    /// `link_mode`: passive, active or rr.
    public var linkMode: String

    /// `crypto_cipher`; none when packets are not encrypted.
    public var cipher: String

    /// `crypto_hash`; none when packets are not authenticated.
    public var hash: String

    /// The links by number.
    public var links: [UInt8: Link]

    /// How many nodes there are.
    public var nodes: Int

    /// Joins the parts.
    public init(token: Int, linkMode: String, cipher: String, hash: String, links: [UInt8: Link], nodes: Int) {
        self.token = token
        self.linkMode = linkMode
        self.cipher = cipher
        self.hash = hash
        self.links = links
        self.nodes = nodes
    }
}

/// Something that should be set otherwise.
public struct Advice: Equatable, Sendable, CustomStringConvertible {
    /// What is wrong, and what it does.
    public var finding: String

    /// What to set.
    public var remedy: String

    /// One line: the finding, then the remedy.
    public var description: String { "\(finding); \(remedy)" }
}

extension CorosyncSettings {
    /// What should be set otherwise for the heartbeat to be quick and quiet.
    ///
    /// - Parameter designated: The links that carry the service.
    /// - Returns: Nothing when all is well.
    public func advice(designated: [UInt8]) -> [Advice] {
        var advice: [Advice] = []
        if links.count < 2 {
            advice.append(
                Advice(
                    finding:
                        "corosync has \(links.count) link: when it is cut the cluster splits, and nobody "
                        + "can tell whose fault it is",
                    remedy: "give every node a ring1_addr on a second network"
                )
            )
        }
        if cipher == "none" || hash == "none" {
            advice.append(
                Advice(
                    finding: "corosync's packets are not \(hash == "none" ? "authenticated" : "encrypted")",
                    remedy: "set crypto_cipher: aes256 and crypto_hash: sha256, and make a key with corosync-keygen"
                )
            )
        }
        for (link, values) in links.sorted(by: { $0.key < $1.key }) {
            if values.pingInterval > 300 || values.pingTimeout > 1000 {
                advice.append(
                    Advice(
                        finding: "link \(link): knet needs up to \(values.pingTimeout) ms to notice a cut "
                            + "(knet_ping_interval \(values.pingInterval), knet_ping_timeout \(values.pingTimeout))",
                        remedy:
                            "set knet_ping_interval: 200, knet_ping_timeout: 600 and knet_pong_count: 2 in "
                            + "its interface "
                            + "section, all three"
                    )
                )
            } else if values.pingInterval < 200 {
                advice.append(
                    Advice(
                        finding: "link \(link): knet_ping_interval \(values.pingInterval) has no effect below 200",
                        remedy: "set knet_ping_interval: 200"
                    )
                )
            }
        }
        let slowest = links.values.map(\.pingTimeout).max() ?? 0
        if token < slowest * 2 + 500 {
            advice.append(
                Advice(
                    finding:
                        "token \(token) is short of twice the longest knet_ping_timeout: the loss of a link "
                        + "may become the "
                        + "loss of a node",
                    remedy: "set token: \(slowest * 2 + 500) or more, or a shorter knet_ping_timeout"
                )
            )
        }
        let carrying = links.filter { designated.contains($0.key) }.map(\.value.priority)
        let supporting = links.filter { !designated.contains($0.key) }.map(\.value.priority)
        if linkMode == "passive", let own = carrying.max(), let other = supporting.max(), other <= own {
            advice.append(
                Advice(
                    finding:
                        "link_mode is passive and the designated link has the highest knet_link_priority: "
                        + "its cut holds up "
                        + "the very messages that report it for \(slowest) ms",
                    remedy: "set link_mode: active, or a knet_link_priority above \(own) for the support link"
                )
            )
        }
        return advice
    }
}
