// SPDX-License-Identifier: Apache-2.0

/// Parameters of the mode in which all nodes of a clone hold one address.
extension IPaddr2Parameters {
    static let mac = Parameter(
        "mac",
        default: "",
        summary: "Hardware address of a shared address",
        details: """
            For a clone without unique_clone_address, whose instances share one address: the multicast hardware address that \
            it has in the network, with an odd first byte. Left empty, it is derived from the address.
            """
    )
    static let hash = Parameter(
        "clusterip_hash",
        default: "sourceip-sourceport",
        summary: "How the clients of a shared address are told apart",
        details: """
            Kept for older configurations. The instance that answers a client is always chosen by the client's address, \
            which is sourceip.
            """
    )
    static let firewall = Parameter(
        "clusterip_firewall",
        .select(["auto", "nft", "iptables"]),
        default: "auto",
        summary: "Packet filter of a shared address",
        details: "Which packet filter shares the clients out: auto and nft are nftables. iptables is refused."
    )
    static let hashSeed = Parameter(
        "clusterip_hash_seed",
        default: "",
        summary: "Seed for sharing out clients",
        details: """
            The seed of the hash of a client's address, decimal or with 0x in hex, the same on all nodes. Left empty, it is \
            derived from the shared address.
            """
    )
    static let macMangle = Parameter(
        "clusterip_mac_mangle",
        .boolean,
        default: "false",
        summary: "Tell neighbours the hardware address of a shared address",
        details: """
            Whether the ARP packets of the nodes name the multicast hardware address for the shared address. Without it, \
            neighbours need a static entry. Some routers do not accept a multicast hardware address. For IPv4 only.
            """
    )
    /// For iptables only.
    static let table = Parameter("clusterip_table", default: "mangle", summary: "", details: "")
    /// For iptables only.
    static let chain = Parameter("clusterip_chain", default: "PREROUTING", summary: "", details: "")

    static let clusteredMode = [mac, hash, firewall, hashSeed, macMangle]
}
