// SPDX-License-Identifier: Apache-2.0

/// Turns an ha.cf of the old Linux-HA heartbeat into a heartbeat.conf, with a note on everything that is elsewhere now.
///
/// The result is a heartbeat.conf as it stands: what has no counterpart is a comment in it, where it stood.
public struct HACFConverter {
    /// What becomes of the old file.
    public struct Result: Equatable, Sendable {
        /// The new file.
        public var text: String

        /// What has no counterpart and must be looked at; empty when the new file says everything.
        public var errors: [String]
    }

    private static let elsewhere: [String: String] = [
        "node": "the nodes are those of corosync's nodelist: compare them",
        "auto_failback": "failback is Pacemaker's: on is resource-stickiness=0, off a stickiness of 100 or more",
        "stonith": "fencing is Pacemaker's: configure a stonith resource and stonith-enabled=true",
        "stonith_host": "fencing is Pacemaker's: configure a stonith resource and stonith-enabled=true",
        "watchdog": "self-fencing is sbd's; a hung heartbeat is found by its resource's monitor",
        "apiauth": "who may ask is the mode and group (haclient) of the control socket",
        "logfacility": "lines go to the facility daemon",
        "debugfile": "there is one log: log_file, or syslog",
        "debug": "transitions are always logged, single probes never",
        "use_logd": "lines go to syslog",
        "coredumps": "this is the system's (core_pattern, systemd-coredump)",
        "crm": "resources are Pacemaker's",
        "realtime": "real-time priority is taken when it is permitted (LimitRTPRIO=)",
        "compression": "messages are small", "compression_threshold": "messages are small",
        "hopfudge": "probes do not travel over nodes", "baud": "there are no serial links",
        "msgfmt": "there is one format",
        "conn_logd_time": "lines go to syslog", "uuidfrom": "nodes are named by corosync",
        "traditional_compression": "messages are small",
    ]

    private static let unsupported: [String: String] = [
        "serial": "serial links are not supported: give the nodes a second network",
        "autojoin": "who is a member is corosync's nodelist; open membership is not supported",
        "hbaping": "Fibre Channel pings are not supported",
    ]

    private var output = ["# made from an ha.cf; the links' numbers are those of corosync's nodelist (ringN_addr)"]
    private var errors: [String] = []
    private var interfaces: [String] = []
    private var pings: [String] = []
    private var ttls: [String: Int] = [:]
    private var pingGroups: [(name: String, targets: [String])] = []

    /// Converts.
    ///
    /// - Parameter text: The old file.
    /// - Returns: The new one.
    public static func convert(_ text: String) -> Result {
        var converter = HACFConverter()
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            converter.take(ConfigurationParser.split(String(line)).map(\.text), String(line), index + 1)
        }
        converter.finish()
        return Result(text: converter.output.joined(separator: "\n") + "\n", errors: converter.errors)
    }

    private init() {}

    private mutating func take(_ words: [String], _ line: String, _ number: Int) {
        guard let key = words.first else {
            return
        }
        let values = Array(words.dropFirst())
        switch key {
        case "keepalive", "deadtime", "warntime", "initdead", "deadping":
            takeTime(key, values, number)
        case "udpport":
            note(line, "a port for each link: link 0 has the first")
            output.append("port \(values.first ?? "694")")
        case "rtprio":
            guard let priority = values.first.flatMap({ Int($0) }) else {
                fail(line, number, "a number is needed")
                return
            }
            note(line, "1 to 10 here, where it is permitted (LimitRTPRIO=)")
            output.append("priority \(min(max(priority, 1), 10))")
        case "bcast": addLinks(values, line)
        case "mcast" where values.count >= 4: takeMulticast(values, line)
        case "mcast", "ucast": addLinks(Array(values.prefix(1)), line)
        case "ping": addPings(values, line)
        case "ping_group":
            guard values.count >= 2 else {
                fail(line, number, "a name and at least one address are needed")
                return
            }
            note(line, "ping targets belong to the designated link")
            pingGroups.append((Self.name(values[0]), Array(values.dropFirst())))
        case "logfile": output.append("log_file \(values.first ?? "/var/log/ha-log")")
        case "respawn" where values.last?.hasSuffix("ipfail") == true || line.contains("ipfail"):
            note(line, "what ipfail did is built in (ping-fewer); `policy ipfail`: by ping targets alone, as it did")
        case "respawn": fail(line, number, "make it a resource of Pacemaker")
        default:
            if let place = Self.elsewhere[key] {
                note(line, place)
            } else {
                fail(line, number, Self.unsupported[key] ?? "this key is not known")
            }
        }
    }

    private mutating func takeTime(_ key: String, _ values: [String], _ number: Int) {
        guard let text = values.first, let time = Self.time(text) else {
            errors.append("line \(number): \(key): \(values.first ?? "nothing") is not a time")
            return
        }
        output.append("\(key == "deadping" ? "ping_deadtime" : key) \(time)")
        if key == "deadtime" {
            output.append(
                "#   the death of a node is corosync's token and consensus; this is the death of a link: the default of "
                    + "800ms moves sooner"
            )
        }
    }

    /// A time of the old program: seconds, or a number with ms, us or s.
    private static func time(_ text: String) -> String? {
        let digits = text.prefix { $0.isNumber || $0 == "." }
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        guard !digits.isEmpty, parts.count <= 2, let whole = Int(parts[0].isEmpty ? "0" : parts[0]), whole < 1_000_000
        else {
            return nil
        }
        let fraction = parts.count == 2 ? Int((String(parts[1]) + "000").prefix(3)) ?? 0 : 0
        switch text.dropFirst(digits.count) {
        case "", "s", "sec": return fraction == 0 ? "\(whole)s" : "\(whole * 1000 + fraction)ms"
        case "ms", "msec": return "\(whole)ms"
        case "us", "usec": return "\(max(1, whole / 1000))ms"
        case "m", "min": return "\(whole)m"
        default: return nil
        }
    }

    private mutating func addLinks(_ names: [String], _ line: String) {
        for name in names where !interfaces.contains(name) {
            interfaces.append(name)
        }
        note(line, "a link is found by the address that corosync's nodelist has on it")
    }

    /// `mcast INTERFACE GROUP PORT TTL LOOP`: the port is udpport's matter, the ttl that of the link.
    private mutating func takeMulticast(_ values: [String], _ line: String) {
        addLinks([values[0]], line)
        if let ttl = Int(values[3]), (2...255).contains(ttl) {
            ttls[values[0]] = ttl
        }
    }

    private mutating func addPings(_ targets: [String], _ line: String) {
        note(line, "ping targets belong to the designated link")
        pings += targets
    }

    private mutating func note(_ line: String, _ text: String) {
        output.append("# \(line): \(text)")
    }

    private mutating func fail(_ line: String, _ number: Int, _ text: String) {
        output.append("# NOT CONVERTED: \(line): \(text)")
        errors.append("line \(number): \(line): \(text)")
    }

    /// Links before pings, which name them.
    private mutating func finish() {
        for (index, interface) in interfaces.prefix(8).enumerated() {
            let role = index == 0 ? "designated" : "support"
            output.append("# \(interface): check that it has link \(index) of corosync's nodelist")
            let ttl = ttls[interface].map { " ttl \($0)" } ?? ""
            output.append("link \(index) \(Self.name(interface)) \(role)\(ttl)")
        }
        let link = interfaces.first.map(Self.name) ?? "0"
        if !pings.isEmpty {
            output.append("ping \(link) \(pings.joined(separator: " "))")
        }
        for group in pingGroups {
            output.append("ping_group \(link) \(group.name) \(group.targets.joined(separator: " "))")
        }
        output.append(
            "# the old authkeys is not used: the probes' key comes from corosync's, or from /etc/vervet/authkey"
        )
    }

    /// A link's name has letters, digits, "-" and "_" only; an alias or VLAN has other characters too.
    private static func name(_ interface: String) -> String {
        String(interface.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") ? $0 : "-" })
    }
}
