// SPDX-License-Identifier: Apache-2.0

/// The parameters of ``IPaddr2Agent``, named and defaulted as in `ocf:heartbeat:IPaddr2`.
enum IPaddr2Parameters {
    static let ip = Parameter(
        "ip",
        required: true,
        alternative: "ips",
        uniqueGroup: "address",
        summary: "IPv4 or IPv6 address",
        details: "The virtual IP address, in dotted decimal without leading zeros (192.0.2.1) or as IPv6 (2001:db8::1)."
    )
    static let ips = Parameter(
        "ips",
        default: "",
        uniqueGroup: "addresses",
        summary: "Many addresses",
        details: """
            Several addresses instead of ip, or besides it, separated by blanks or commas: addresses, ranges \
            (192.0.2.10-192.0.2.99 or 192.0.2.10-99), both with /prefix and %interface if these differ from cidr_netmask and \
            nic, all hosts of a block (hosts:192.0.2.0/28), or @/path of a file with one item a line that only its owner may \
            write. At most 4096. They start together or not at all, and the resource runs only while all are there.
            """
    )
    static let arpRate = Parameter(
        "arp_rate",
        .integer,
        default: "1000",
        reloadable: true,
        summary: "Announcements in a second",
        details: """
            With ips, how many packets a second the repeated rounds of announcements send on an interface, so that switches \
            do not drop them. The first round is not slowed down.
            """
    )
    static let nic = Parameter(
        "nic",
        default: "",
        summary: "Network interface",
        details: """
            The interface that gets the address, by its name or an alternative name. Left empty, it is the interface of the \
            directly connected route that contains the address. The old form name:label sets the label as well.
            """
    )
    static let prefix = Parameter(
        "cidr_netmask",
        default: "",
        summary: "Prefix length",
        details: """
            The length of the prefix in bits: 1 to 32 for IPv4, 1 to 128 for IPv6. Left empty, it is that of the route. A \
            dotted netmask is accepted for IPv4.
            """
    )
    static let netmaskAlias = Parameter("netmask", default: "", summary: "", details: "")
    static let broadcast = Parameter(
        "broadcast",
        default: "",
        summary: "Broadcast address",
        details: """
            The IPv4 broadcast address; + sets all host bits, - clears them. Left empty, it is that of the address that the \
            route prefers as source.
            """
    )
    static let label = Parameter(
        "iflabel",
        default: "",
        summary: "Interface label",
        details: "A label for the IPv4 address, shown as nic:label; together at most 15 characters. Ignored for IPv6."
    )
    static let proto = Parameter(
        "proto",
        default: "",
        summary: "Routing protocol of the route",
        details: "Only routes of this protocol count when nic or prefix are derived: kernel, boot, static, or a number."
    )
    static let lvsSupport = Parameter(
        "lvs_support",
        .boolean,
        default: "false",
        summary: "Take the address over from the loopback device",
        details: """
            For a director that is also a real server with direct routing: if the loopback device has the IPv4 address with \
            prefix 32, start moves it to the interface and stop puts it back.
            """
    )
    static let addressLabel = Parameter(
        "lvs_ipv6_addrlabel",
        .boolean,
        default: "true",
        summary: "Keep an IPv6 address from being a source address",
        details: """
            Whether the IPv6 address gets a label of its own in the kernel's policy table, so that connections from this host \
            do not choose it as source address.
            """
    )
    static let addressLabelValue = Parameter(
        "lvs_ipv6_addrlabel_value",
        .integer,
        default: "99",
        summary: "Label for lvs_ipv6_addrlabel",
        details: "The number of the label, different from those that the host uses otherwise (ip addrlabel)."
    )
    static let uniqueCloneAddress = Parameter(
        "unique_clone_address",
        .boolean,
        default: "false",
        summary: "An address of its own for each clone instance",
        details: """
            Whether the number of the clone instance is added to the last octet of the IPv4 address. The clone must have the \
            meta attribute globally-unique=true.
            """
    )
    static let arpInterval = Parameter(
        "arp_interval",
        .integer,
        default: "200",
        reloadable: true,
        summary: "Milliseconds between announcements",
        details:
            "The time between two rounds of gratuitous ARP or unsolicited neighbour advertisements, in milliseconds."
    )
    static let arpCount = Parameter(
        "arp_count",
        .integer,
        default: "5",
        reloadable: true,
        summary: "Announcements at start",
        details: "How many rounds of announcements a start sends. The first is sent before start returns."
    )
    static let arpCountRefresh = Parameter(
        "arp_count_refresh",
        .integer,
        default: "0",
        reloadable: true,
        summary: "Announcements at monitor",
        details: "How many rounds of announcements each successful monitor sends, against stale caches in the network."
    )
    static let arpBackground = Parameter(
        "arp_bg",
        .boolean,
        default: "",
        reloadable: true,
        summary: "Announce in the background",
        details: """
            Whether the rounds after the first are sent by a process in the background that ends by itself. Left empty, it \
            is true for IPv4 and false for IPv6.
            """
    )
    static let arpSender = Parameter(
        "arp_sender",
        default: "",
        reloadable: true,
        summary: "Kind of ARP announcements",
        details: """
            Which packets a round has, by the name of the program that used to send them: send_arp (request and reply), \
            iputils_arping, libnet_arping or ipoibarping (requests). No program is started. Left empty, it is send_arp.
            """
    )
    static let senderOptions = Parameter(
        "send_arp_opts",
        default: "",
        reloadable: true,
        summary: "Options of the former sender",
        details: """
            Options that used to be passed to send_arp or arping: -U sends requests only, -A replies only, -r or -c sets the \
            number of announcements and -i the milliseconds between them where arp_count and arp_interval are not set. \
            Options without a meaning here are refused.
            """
    )
    static let collisionExit = Parameter(
        "collision_exit",
        .select(["generic", "installed"]),
        default: "generic",
        reloadable: true,
        summary: "Result of a start when another host has the address",
        details: """
            Whether a start that finds the address in use elsewhere answers generic (1, the cluster tries again here) or \
            installed (5, the cluster goes to another node).
            """
    )
    static let runArping = Parameter(
        "run_arping",
        .boolean,
        default: "false",
        reloadable: true,
        summary: "Look for another owner first",
        details: """
            Whether start asks the network twice who has the IPv4 address, and fails if anybody answers. A free address \
            costs about two seconds.
            """
    )
    static let noDuplicateDetection = Parameter(
        "nodad",
        .boolean,
        default: "false",
        summary: "No duplicate address detection",
        details: "Whether the kernel adds the IPv6 address without duplicate address detection."
    )
    static let noPrefixRoute = Parameter(
        "noprefixroute",
        .boolean,
        default: "false",
        summary: "No route for the prefix",
        details: "Whether the kernel adds no route for the prefix of the address."
    )
    static let preferredLifetime = Parameter(
        "preferred_lft",
        default: "forever",
        reloadable: true,
        summary: "Preferred lifetime of an IPv6 address",
        details: """
            For how many seconds the IPv6 address is preferred as source address, or forever. 0 keeps it from being chosen \
            for outgoing connections.
            """
    )
    static let flushRoutes = Parameter(
        "flush_routes",
        .boolean,
        default: "false",
        reloadable: true,
        summary: "Flush the routing cache at stop",
        details: "Whether stop flushes the IPv4 routing cache. Kernels since 3.6 have none."
    )
    static let checkLinkStatus = Parameter(
        "check_link_status",
        .boolean,
        default: "true",
        reloadable: true,
        summary: "Fail when the link is down",
        details: "Whether an address on an interface without link counts as failed."
    )
    static let namespace = Parameter(
        "network_namespace",
        default: "",
        summary: "Network namespace",
        details: "The named network namespace (ip netns) that the address lives in. Left empty, it is the host's."
    )

    static let all =
        [
            ip, ips, nic, prefix, broadcast, proto, label, lvsSupport, addressLabel, addressLabelValue,
            uniqueCloneAddress, arpInterval, arpCount, arpCountRefresh, arpBackground, arpRate, arpSender,
            senderOptions,
            runArping, collisionExit, noDuplicateDetection, noPrefixRoute, preferredLifetime, flushRoutes,
            checkLinkStatus,
            namespace,
        ] + clusteredMode
}
