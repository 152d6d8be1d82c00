// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// Reads a heartbeat.conf: one directive a line, words separated by blanks, `#` begins a comment.
public struct ConfigurationParser {
    private static let durations: [String: any WritableKeyPath<LinkTimers, Duration> & Sendable] = [
        "keepalive": \.keepalive, "warntime": \.warntime, "deadtime": \.deadtime, "settle": \.settle,
        "uptime_hold": \.uptimeHold, "initdead": \.initdead, "solo_confirm": \.soloConfirm,
        "ping_confirm": \.pingConfirm,
    ]

    private static let words =
        durations.keys.sorted() + [
            "auth", "evidence", "flap_limit", "implicit_ping", "link", "log_file", "log_level", "metrics", "user",
        ]
        + [
            "loss_down", "loss_up", "ping", "ping_deadtime", "ping_delta", "ping_group", "policy", "port",
            "address", "daemon_grace", "on_daemon_loss", "on_stop", "priority", "service", "ttl",
        ]

    private let file: String
    private var configuration = HeartbeatConfiguration()
    private var diagnostics: [ConfigurationDiagnostic] = []
    private var pings: [(link: Word, targets: [IPAddress], line: Int, source: String)] = []
    private var pingGroups:
        [(link: Word, group: HeartbeatConfiguration.PingGroup, name: Word, line: Int, source: String)] =
            []
    private var addresses: [(link: Word, node: Word, address: IPAddress, line: Int, source: String)] = []
    private var services: [(name: Word, links: [Word], line: Int, source: String)] = []
    private var given: Set<String> = []
    private var line = 0
    private var source = ""

    /// Parses a whole file.
    ///
    /// - Parameters:
    ///   - text: The file's content.
    ///   - file: Its name, for the diagnostics.
    /// - Returns: The configuration.
    /// - Throws: ``ConfigurationErrors`` with everything that is wrong.
    public static func parse(_ text: String, file: String) throws(ConfigurationErrors) -> HeartbeatConfiguration {
        var parser = ConfigurationParser(file: file)
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            parser.take(String(line))
        }
        parser.finish()
        guard parser.diagnostics.isEmpty else {
            throw ConfigurationErrors(
                diagnostics: parser.diagnostics.sorted { ($0.line, $0.column) < ($1.line, $1.column) }
            )
        }
        return parser.configuration
    }

    private init(file: String) {
        self.file = file
    }

    private mutating func take(_ text: String) {
        line += 1
        source = text
        let words = Self.split(text)
        guard let directive = words.first else {
            return
        }
        let values = Array(words.dropFirst())
        let isRepeatable = ["address", "evidence", "link", "ping", "ping_group", "service"].contains(directive.text)
        if !isRepeatable, !given.insert(directive.text).inserted {
            complain(directive, "\"\(directive.text)\" was already given above")
            return
        }
        if let timer = Self.durations[directive.text] {
            takeDuration(directive, values, timer)
            return
        }
        switch directive.text {
        case "link": takeLink(directive, values)
        case "ping": takePing(directive, values)
        case "ping_group": takePingGroup(directive, values)
        case "ping_deadtime":
            if let value = single(directive, values), let deadtime = time(value) {
                configuration.timers.pingDeadtime = deadtime
            }
        case "ttl":
            if let value = single(directive, values), let ttl = number(value, 1...255) {
                configuration.ttl = UInt8(ttl)
            }
        case "address": takeAddress(directive, values)
        case "priority":
            if let value = single(directive, values) {
                configuration.priority = value.text == "off" ? nil : number(value, 1...10)
            }
        case "service": takeService(directive, values)
        case "daemon_grace":
            if let value = single(directive, values), let grace = time(value) {
                configuration.daemonGrace = grace
            }
        case "on_daemon_loss":
            if let isNeutral = choice(directive, values, ["keep", "neutral"]) {
                configuration.isLossNeutral = isNeutral
            }
        case "on_stop":
            if let isDeleted = choice(directive, values, ["keep", "delete"]) {
                configuration.deletesAtStop = isDeleted
            }
        case "policy":
            if let isIpfail = choice(directive, values, ["table", "ipfail"]) {
                configuration.policy = isIpfail ? .ipfail : .table
            }
        case "port":
            if let value = single(directive, values), let port = number(value, 1...65528) {
                configuration.port = UInt16(port)
            }
        case "ping_delta":
            if let value = single(directive, values), let delta = number(value, 1...255) {
                configuration.pingDelta = delta
            }
        case "flap_limit":
            if let value = single(directive, values), let limit = number(value, 0...1000) {
                configuration.timers.flapLimit = limit
            }
        case "loss_down":
            if let value = single(directive, values), let percent = number(value, 0...100) {
                configuration.timers.lossDownPermille = percent * 10
            }
        case "loss_up":
            if let value = single(directive, values), let percent = number(value, 0...100) {
                configuration.timers.lossUpPermille = percent * 10
            }
        case "implicit_ping":
            if let value = single(directive, values), let isOn = onOff(value) {
                configuration.hasImplicitPing = isOn
            }
        case "log_file":
            if let value = single(directive, values), let path = path(value) {
                configuration.logFile = path
            }
        case "log_level":
            if let value = single(directive, values) {
                let names = LogLevel.allCases.map { "\($0)" }
                if let index = names.firstIndex(of: value.text) {
                    configuration.logLevel = LogLevel.allCases[index]
                } else {
                    complain(value, "write: log_level \(names.joined(separator: "|"))")
                }
            }
        case "metrics":
            if let value = single(directive, values) {
                configuration.metrics = MetricsEndpoint(value.text)
                if configuration.metrics == nil {
                    let example = "127.0.0.1:9106, [::1]:9106 or /run/vervet/heartbeat-metrics.sock"
                    complain(value, "\"\(value.text)\" is no address with a port and no path: write \(example)")
                }
            }
        case "user":
            if let value = single(directive, values) {
                configuration.user = value.text
            }
        case "evidence": takeEvidence(directive, values)
        case "auth": takeAuthentication(directive, values)
        default:
            complain(directive, "unknown directive \"\(directive.text)\"" + Self.suggestion(directive.text, Self.words))
        }
    }

    private mutating func takeDuration(
        _ directive: Word,
        _ values: [Word],
        _ timer: WritableKeyPath<LinkTimers, Duration>
    ) {
        guard let value = single(directive, values) else {
            return
        }
        if let duration = time(value) {
            configuration.timers[keyPath: timer] = duration
        }
    }

    private mutating func takeService(_ directive: Word, _ values: [Word]) {
        guard values.count >= 2 else {
            complain(directive, "write: service NAME LINK...")
            return
        }
        guard Self.isName(values[0].text) else {
            complain(
                values[0],
                "a service's name has letters, digits, \"-\" and \"_\" only: it becomes part of hb-score-NAME"
            )
            return
        }
        guard !services.contains(where: { $0.name.text == values[0].text }) else {
            complain(values[0], "service \"\(values[0].text)\" was already described above")
            return
        }
        services.append((values[0], Array(values.dropFirst()), line, source))
    }

    /// A link by its name or number; complains when there is none.
    private mutating func link(_ word: Word) -> UInt8? {
        let link =
            configuration.links.first { $0.value.name == word.text }?.key
            ?? UInt8(word.text).flatMap { $0 < 8 ? $0 : nil }
        if link == nil {
            let names = configuration.links.values.map(\.name).sorted()
            complain(word, "no link is called \"\(word.text)\"" + Self.suggestion(word.text, names))
        }
        return link
    }

    private mutating func finishServices() {
        for service in services {
            (line, source) = (service.line, service.source)
            var links: [UInt8] = []
            for word in service.links {
                guard let link = link(word) else {
                    continue
                }
                if !configuration.settings(ofLink: link).isDesignated {
                    complain(word, "link \"\(word.text)\" is not designated, so nothing is decided about it")
                }
                links.append(link)
            }
            configuration.services.append(HeartbeatConfiguration.Service(name: service.name.text, links: links))
        }
    }

    private mutating func takeLink(_ directive: Word, _ values: [Word]) {
        guard values.count >= 2 else {
            complain(
                directive,
                "write: link NUMBER NAME [designated|support] [weight N] [ttl N] [port N] [group NAME] "
                    + "[interface NAME]"
            )
            return
        }
        guard let index = number(values[0], 0...7) else {
            return
        }
        let link = UInt8(index)
        let name = values[1].text
        guard Self.isName(name) else {
            complain(
                values[1],
                "a link's name has letters, digits, \"-\" and \"_\" only: it becomes part of hb-link-NAME"
            )
            return
        }
        if configuration.links[link] != nil {
            complain(values[0], "link \(link) was already described above")
            return
        }
        if configuration.links.values.contains(where: { $0.name == name }) {
            complain(values[1], "another link is already called \"\(name)\"")
            return
        }
        var settings = HeartbeatConfiguration.Link(name: name, isDesignated: link == 0, weight: link == 0 ? 1000 : 0)
        var rest = values[2...]
        while let word = rest.popFirst() {
            switch word.text {
            case "designated":
                settings.isDesignated = true
                settings.weight = max(settings.weight, 1000)
            case "support":
                settings.isDesignated = false
                settings.weight = 0
            case "weight", "ttl", "port":
                guard let value = rest.popFirst() else {
                    complain(word, "\"\(word.text)\" needs a number")
                    return
                }
                let isWeight = word.text == "weight"
                guard let number = number(value, isWeight ? 0...100_000 : word.text == "ttl" ? 1...255 : 1...65535)
                else {
                    return
                }
                switch word.text {
                case "weight": settings.weight = number
                case "ttl": settings.ttl = UInt8(number)
                default: settings.port = UInt16(number)
                }
            case "group":
                guard let name = rest.popFirst() else {
                    complain(word, "\"group\" needs a name")
                    return
                }
                settings.group = name.text
            case "interface":
                guard let name = rest.popFirst() else {
                    complain(word, "\"interface\" needs a name")
                    return
                }
                // linux/if.h, IFNAMSIZ: 16 bytes with the last zero.
                guard name.text.utf8.count < 16, !name.text.contains("/") else {
                    complain(name, "\"\(name.text)\" cannot be an interface: its name has up to 15 characters")
                    return
                }
                settings.interface = name.text
            default:
                let known = ["designated", "support", "weight", "ttl", "port", "group", "interface"]
                complain(word, "unknown word \"\(word.text)\"" + Self.suggestion(word.text, known))
                return
            }
        }
        configuration.links[link] = settings
    }

    private mutating func takeAddress(_ directive: Word, _ values: [Word]) {
        guard values.count == 3 else {
            complain(directive, "write: address LINK NODE ADDRESS")
            return
        }
        if let address = addresses(values.dropFirst(2))?.first {
            addresses.append((values[0], values[1], address, line, source))
        }
    }

    private mutating func finishAddresses() {
        for entry in addresses {
            (line, source) = (entry.line, entry.source)
            guard let link = link(entry.link) else {
                continue
            }
            if configuration.addresses[link]?[entry.node.text] != nil {
                complain(entry.node, "the address of \"\(entry.node.text)\" on this link was already given above")
            }
            configuration.addresses[link, default: [:]][entry.node.text] = entry.address
        }
    }

    private mutating func takePing(_ directive: Word, _ values: [Word]) {
        guard values.count >= 2 else {
            complain(directive, "write: ping LINK ADDRESS...")
            return
        }
        if let targets = addresses(values.dropFirst()) {
            pings.append((values[0], targets, line, source))
        }
    }

    private mutating func takePingGroup(_ directive: Word, _ values: [Word]) {
        guard values.count >= 3 else {
            complain(directive, "write: ping_group LINK NAME ADDRESS...")
            return
        }
        guard Self.isName(values[1].text) else {
            complain(values[1], "a ping group's name has letters, digits, \"-\" and \"_\" only")
            return
        }
        if let targets = addresses(values.dropFirst(2)) {
            let group = HeartbeatConfiguration.PingGroup(name: values[1].text, targets: targets)
            pingGroups.append((values[0], group, values[1], line, source))
        }
    }

    /// The addresses that are written; nil, with a complaint, when one is none.
    private mutating func addresses(_ words: ArraySlice<Word>) -> [IPAddress]? {
        var addresses: [IPAddress] = []
        for word in words {
            guard let address = IPAddress(word.text) else {
                complain(word, "\"\(word.text)\" is not an IP address (names are not looked up)")
                return nil
            }
            addresses.append(address)
        }
        return addresses
    }

    private mutating func finishPings() {
        for ping in pings {
            (line, source) = (ping.line, ping.source)
            if let link = link(ping.link) {
                configuration.pings[link, default: []] += ping.targets
            }
        }
        for entry in pingGroups {
            (line, source) = (entry.line, entry.source)
            guard let link = link(entry.link) else {
                continue
            }
            if configuration.pingGroups[link]?.contains(where: { $0.name == entry.group.name }) == true {
                complain(entry.name, "ping group \"\(entry.group.name)\" was already described above")
            } else {
                configuration.pingGroups[link, default: []].append(entry.group)
            }
        }
    }

    /// Two links on one port of one address would take each other's probes.
    private mutating func checkPorts() {
        let ports = (0..<8).map { configuration.port(ofLink: UInt8($0)) }
        for (link, settings) in configuration.links.sorted(by: { $0.key < $1.key }) where settings.port != nil {
            if let other = ports.indices.first(where: { $0 != Int(link) && ports[$0] == ports[Int(link)] }) {
                complain(
                    Word(text: "", column: 1),
                    "link \(link) and link \(other) both have port \(ports[Int(link)])"
                )
            }
        }
    }

    private mutating func takeEvidence(_ directive: Word, _ values: [Word]) {
        let names = HeartbeatConfiguration.Evidence.allCases.map(\.rawValue)
        guard values.count == 2 else {
            complain(directive, "write: evidence \(names.joined(separator: "|")) on|off")
            return
        }
        guard let evidence = HeartbeatConfiguration.Evidence(rawValue: values[0].text) else {
            complain(values[0], "no evidence is called \"\(values[0].text)\"" + Self.suggestion(values[0].text, names))
            return
        }
        guard let isOn = onOff(values[1]) else {
            return
        }
        if isOn {
            configuration.disabledEvidence.remove(evidence)
        } else {
            configuration.disabledEvidence.insert(evidence)
        }
    }

    private mutating func takeAuthentication(_ directive: Word, _ values: [Word]) {
        switch (values.first?.text, values.count) {
        case ("auto", 1): configuration.authentication = .automatic
        case ("none", 1): configuration.authentication = .none
        case ("file", 2):
            if let path = path(values[1]) {
                configuration.authentication = .file(path)
            }
        default: complain(values.first ?? directive, "write: auth auto, auth file PATH or auth none")
        }
    }

    private mutating func finish() {
        finishAddresses()
        finishPings()
        finishServices()
        (line, source) = (0, "")
        checkPorts()
        let timers = configuration.timers
        let nowhere = Word(text: "", column: 1)
        if timers.keepalive < .milliseconds(50) {
            complain(nowhere, "keepalive must be at least 50ms")
        }
        if !given.contains("deadtime"), given.contains("keepalive") {
            configuration.timers.deadtime = timers.keepalive * 3 + .milliseconds(200)
        }
        if !given.contains("warntime"), given.contains("keepalive") {
            configuration.timers.warntime = timers.keepalive * 2 + .milliseconds(100)
        }
        if configuration.timers.deadtime < timers.keepalive * 2 {
            complain(nowhere, "deadtime must be at least twice keepalive, or one lost probe is a fault")
        }
        if let pingDeadtime = timers.pingDeadtime, pingDeadtime < timers.keepalive * 2 {
            complain(nowhere, "ping_deadtime must be at least twice keepalive, or one lost ping is a dead target")
        }
        if configuration.timers.warntime > configuration.timers.deadtime {
            complain(nowhere, "warntime must not be longer than deadtime")
        }
        let words: Set<HeartbeatConfiguration.Evidence> = [.probes, .knet]
        if configuration.disabledEvidence.isSuperset(of: words) {
            complain(nowhere, "with neither probes nor knet nothing is known about the peers: leave one on")
        }
        if !configuration.links.isEmpty, configuration.designatedLinks(of: Array(0..<8)).isEmpty {
            complain(
                nowhere,
                "no link is designated: name the one that carries the service, \"link 0 public designated\""
            )
        }
    }

    private mutating func single(_ directive: Word, _ values: [Word]) -> Word? {
        if let extra = values.dropFirst().first {
            complain(extra, "\"\(directive.text)\" takes one value")
            return nil
        }
        if values.isEmpty {
            complain(directive, "\"\(directive.text)\" needs a value")
        }
        return values.first
    }

    private mutating func number(_ word: Word, _ range: ClosedRange<Int>) -> Int? {
        guard let value = Int(word.text), range.contains(value) else {
            let bounds = "\(range.lowerBound) to \(range.upperBound)"
            complain(word, "\"\(word.text)\" is not a whole number from \(bounds)")
            return nil
        }
        return value
    }

    private mutating func time(_ word: Word) -> Duration? {
        let duration = Self.duration(word.text)
        if duration == nil {
            complain(word, "\"\(word.text)\" is not a time: write 200ms, 2s, 1m or a number of seconds")
        }
        return duration
    }

    /// Whether the second of two words is given.
    private mutating func choice(_ directive: Word, _ values: [Word], _ words: [String]) -> Bool? {
        guard let value = single(directive, values) else {
            return nil
        }
        guard let index = words.firstIndex(of: value.text) else {
            complain(value, "write: \(directive.text) \(words.joined(separator: "|"))")
            return nil
        }
        return index == 1
    }

    private mutating func onOff(_ word: Word) -> Bool? {
        switch word.text {
        case "on", "yes", "true": return true
        case "off", "no", "false": return false
        default:
            complain(word, "\"\(word.text)\" is neither on nor off")
            return nil
        }
    }

    private mutating func path(_ word: Word) -> String? {
        guard word.text.utf8.first == UInt8(ascii: "/") else {
            complain(word, "\"\(word.text)\" is not an absolute path")
            return nil
        }
        return word.text
    }

    private mutating func complain(_ word: Word, _ message: String) {
        diagnostics.append(
            ConfigurationDiagnostic(file: file, line: line, column: word.column, message: message, source: source)
        )
    }
}
