// SPDX-License-Identifier: Apache-2.0

/// The parameters of `ocf:vervet:syncd`, declared once for metadata and reading.
enum SyncdParameters {
    static let mode = Parameter(
        "mode",
        .select(SyncdMode.allCases.map(\.rawValue)),
        default: "both",
        summary: "Which daemons run",
        details: """
            both: the director sends its connections and receives those of the others, all the time, so that nothing \
            has to be switched when the service moves; promotion is only a label. role: it receives all the time and \
            sends while promoted. exclusive: it sends while promoted and receives while not, for partners that \
            expect one direction. master: it only sends. backup: it only receives.
            """
    )
    static let interface = Parameter(
        "interface",
        default: "",
        summary: "Interface for the synchronisation datagrams",
        details: """
            The interface that carries the datagrams, best the crossover link: they are neither encrypted nor \
            authenticated. It must exist; start waits up to 10 seconds for it to be up and to have an address. With \
            transport=multicast it must be given; otherwise it is one without a wire that the agent makes, lvs-tx.
            """
    )
    static let transport = Parameter(
        "transport",
        .select(SyncdTransport.allCases.map(\.rawValue)),
        default: "multicast",
        summary: "How connections travel to the other directors",
        details: """
            multicast: as the kernel sends them, on one network, neither encrypted nor authenticated. cpg: a relay \
            (syncrelay) carries them over all of corosync's links, encrypted and authenticated as those are, counts \
            what is lost, and a director that comes later is told all connections. udp: the same, but the data goes \
            beside corosync in datagrams of its own over every link at once, authenticated but not encrypted, for \
            more than 50 000 new connections a second. All directors of a group use the same.
            """
    )
    static let relayBinary = Parameter(
        "relay_binary",
        default: "/usr/sbin/syncrelay",
        summary: "The relay program",
        details: "Path of the program that carries the connections with transport=cpg and udp."
    )
    static let relayControl = Parameter(
        "relay_control",
        default: "/run/vervet/syncrelay.sock",
        summary: "The relay's control socket",
        details: "Another one is needed only for a second group of directors on the same nodes."
    )
    static let relayArguments = Parameter(
        "relay_args",
        default: "",
        summary: "Further arguments of the relay",
        details: "Further arguments of \"syncrelay run\", separated by blanks, such as --transport-port 8891."
    )
    static let syncid = Parameter(
        "syncid",
        .integer,
        default: "1",
        summary: "Id of the group of directors, 1 to 255",
        details: """
            The same for all directors that share connections, another one for every other group on the same network. \
            With mode=backup 0 receives from every group.
            """
    )
    static let group = Parameter(
        "group",
        summary: "Multicast group (IPv4 or IPv6)",
        details: "The multicast group of the datagrams. Empty is the kernel's default, 224.0.0.81."
    )
    static let port = Parameter(
        "port",
        .integer,
        summary: "UDP port",
        details: "The UDP port of the datagrams; with sync_ports the first of several. Empty is the default, 8848."
    )
    static let ttl = Parameter(
        "ttl",
        .integer,
        summary: "Time to live of the datagrams, 1 to 255",
        details: "The time to live, or hop limit, of the datagrams. Empty is the kernel's default, 1."
    )
    static let maxlen = Parameter(
        "maxlen",
        .integer,
        summary: "Largest datagram payload in bytes",
        details: """
            The largest payload that is sent or received. It must fit into the interface's MTU with its headers, and a \
            backup drops datagrams that are longer than its own. Empty is the kernel's choice.
            """
    )
    static let backupInterface = Parameter(
        "interface_backup",
        summary: "Interface to receive on, if it is another one",
        details: "The interface that the backup daemon listens on. Empty is the one of interface."
    )
    static let backupSyncid = Parameter(
        "syncid_backup",
        .integer,
        summary: "Id to receive, if it is another one, 0 to 255",
        details: "The id of the datagrams that the backup daemon takes; 0 takes all. Empty is that of syncid."
    )
    static let backupGroup = Parameter(
        "group_backup",
        summary: "Multicast group to receive, if it is another one",
        details: "The multicast group that the backup daemon joins. Empty is that of group."
    )
    static let backupPort = Parameter(
        "port_backup",
        .integer,
        summary: "UDP port to receive on, if it is another one",
        details: "The UDP port of the backup daemon. Empty is that of port."
    )
    static let backupMaxlen = Parameter(
        "maxlen_backup",
        .integer,
        summary: "Largest datagram payload to receive, in bytes",
        details:
            "What the backup daemon takes at most. Empty is the value of maxlen, and without it the kernel's choice."
    )
    static let drain = Parameter(
        "drain",
        .integer,
        default: "4",
        reloadable: true,
        summary: "Seconds between the end of the service and that of the master daemon",
        details: """
            The kernel sends what it has collected only after up to three seconds, and forgets it when the daemon stops. \
            At stop and demote the master daemon therefore goes on for so many seconds. 0 stops it at once.
            """
    )
    static let linger = Parameter(
        "linger",
        .integer,
        default: "5",
        reloadable: true,
        summary: "Seconds for which a promoted instance goes on receiving (mode=exclusive)",
        details: "Late datagrams of the director that was active before are still taken for so many seconds."
    )
    static let forceRestart = Parameter(
        "force_restart",
        .boolean,
        default: "no",
        reloadable: true,
        summary: "Whether a reload restarts daemons for settings that need it",
        details: """
            sync_ports and sync_sock_size take effect when daemons start. yes restarts them at reload, for sync_ports \
            both at once; no says in the log that the change is pending.
            """
    )
    static let namespace = Parameter(
        "netns",
        default: "",
        summary: "Network namespace",
        details: "The named network namespace (ip netns) whose connections are synchronised. Empty is the host's."
    )
    static let moduleOptions = Parameter(
        "module_options",
        summary: "Options of the kernel's module, such as conn_tab_bits=20",
        details: """
            With these options ip_vs is loaded if it is not yet; if it is and an option differs, the log says so. Empty \
            leaves the loading to the kernel.
            """
    )
    static let exposure = Parameter(
        "exposure",
        default: "kernel",
        reloadable: true,
        summary: "Longest time for which a new connection is unknown to the other directors, in milliseconds",
        details: """
            The kernel sends a new connection to the other directors only with the next ones, or after up to three \
            seconds; a director that fails meanwhile takes it along. A number from 50 to 1000 makes the datagrams as \
            short as one connection, and while connections are opened a small process of this agent makes the kernel \
            send the last one in time. It needs profile=every. It uses a virtual service of its own, UDP \
            127.86.0.1:9, which cannot be reached from outside, and a fixed number of entries in the connection table: \
            172 with 100 ms, and with sync_ports (up to 8) twelve times as many for two threads, 24 times for four. \
            kernel leaves it to the kernel.
            """
    )
    static let profile = Parameter(
        "profile",
        .select(["every", "kernel", "cheap"]),
        default: "every",
        reloadable: true,
        summary: "How often connections are synchronised",
        details: """
            every: each connection once when it is established, then again every 10 seconds of traffic, with two \
            repeats (threshold 0 0, refresh period 10, retries 2). cheap: at the third packet and then every 50th \
            (threshold 3 50). kernel: the settings stay as they are. The sync_… parameters override single values.
            """
    )
    static let syncThreshold = Parameter(
        "sync_threshold",
        .integer,
        reloadable: true,
        summary: "Packet number at which a connection is sent",
        details: """
            The first number of net.ipv4.vs.sync_threshold. It must be below sync_period, or anything if that is 0. \
            Empty is what the profile says.
            """
    )
    static let syncPeriod = Parameter(
        "sync_period",
        .integer,
        reloadable: true,
        summary: "Number of packets between two messages",
        details: "The second number of net.ipv4.vs.sync_threshold. Empty is what the profile says."
    )
    static let takeover = Parameter(
        "takeover",
        .boolean,
        default: "yes",
        summary: "Whether start replaces daemons of others",
        details: """
            When a daemon of another interface or syncid runs at start: yes stops it and starts the right one, no \
            fails. A host has only one daemon of each kind.
            """
    )
    static let restoreSysctl = Parameter(
        "restore_sysctl",
        .boolean,
        default: "no",
        summary: "Whether stop restores the settings",
        details: "Whether the net.ipv4.vs settings found at start are written back at stop."
    )
    static let allowBackupOnly = Parameter(
        "allow_backup_only",
        .boolean,
        default: "no",
        summary: "Whether backup_only=1 is accepted where the active director receives",
        details: """
            While a backup daemon runs with backup_only=1 the director schedules nothing at all, so with mode=both or \
            role it would drop the whole service. Such a setting is refused unless this is yes.
            """
    )

    /// A setting of the kernel that is given as one number.
    struct Setting: Sendable {
        let parameter: Parameter
        let range: ClosedRange<Int>

        init(_ name: String, _ range: ClosedRange<Int>, _ summary: String, _ details: String) {
            parameter = Parameter(
                name,
                .integer,
                reloadable: true,
                summary: summary,
                details: details + " Sets net.ipv4.vs.\(name); empty leaves it as it is."
            )
            self.range = range
        }
    }

    /// The settings besides sync_threshold, in the order in which they are written.
    static let settings = [
        Setting(
            "sync_refresh_period",
            0...Int(Int32.max),
            "Seconds between messages about one connection",
            "A connection with traffic is sent again after so many seconds; 0 goes by packets alone."
        ),
        Setting("sync_retries", 0...3, "Repeats of a message, 0 to 3", "Repeats in an eighth of the refresh period."),
        Setting("sync_version", 0...1, "Version of the protocol sent, 0 or 1", "A backup understands both."),
        Setting(
            "sync_ports",
            1...64,
            "Number of threads and ports, a power of two",
            "Takes effect when the first daemon starts, so only after both were stopped."
        ),
        Setting(
            "sync_sock_size",
            0...Int(Int32.max),
            "Buffer of the sockets in bytes",
            "Takes effect when a daemon starts."
        ),
        Setting(
            "sync_qlen_max",
            0...Int(Int32.max),
            "Longest queue of messages",
            "What does not fit is dropped without a trace."
        ),
        Setting(
            "sync_persist_mode",
            0...1,
            "Synchronise only the templates of persistent services",
            "1 sends less; the peers then need sloppy_tcp=1, which is set too unless it is given."
        ),
        Setting(
            "expire_nodest_conn",
            0...1,
            "Drop connections whose real server was removed",
            "1 drops them at once, 0 waits for the server to come back."
        ),
        Setting(
            "expire_quiescent_template",
            0...1,
            "Do not keep clients at quiesced real servers",
            "1 ignores persistence for real servers of weight 0."
        ),
        Setting(
            "sloppy_tcp",
            0...1,
            "Schedule TCP connections from any packet",
            "1 also schedules established connections that are unknown here."
        ),
        Setting("conn_reuse_mode", 0...3, "What a reused client port means", "See the kernel's documentation."),
        Setting("conntrack", 0...1, "Keep netfilter's connection tracking entries", "1 keeps them."),
        Setting(
            "backup_only",
            0...1,
            "Do not schedule while the backup daemon runs",
            "Prevents loops when a standby director is also a real server; see allow_backup_only."
        ),
    ]

    static let all =
        [
            mode, interface, syncid, group, port, ttl, maxlen, backupInterface, backupSyncid, backupGroup, backupPort,
            backupMaxlen, transport, relayBinary, relayControl, relayArguments, exposure, profile, syncThreshold,
            syncPeriod,
        ] + settings.map(\.parameter)
        + [takeover, restoreSysctl, allowBackupOnly, drain, linger, forceRestart, namespace, moduleOptions]
}
