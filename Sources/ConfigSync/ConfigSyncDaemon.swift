// SPDX-License-Identifier: Apache-2.0
import ConfigSyncControl
import ConfigSyncCore
import Corosync
import Glibc
import LinuxKit

/// The running daemon: feeds the machines of the files and does what they want.
///
/// Used by one thread.
final class ConfigSyncDaemon {
    private static let beat = Duration.seconds(1)
    /// How long an answer waits for who asked.
    private static let answerLife = Duration.seconds(120)

    private let settings: DaemonSettings
    private let runFile: RunFile
    private let loop: EventLoop
    private let group: DirectorGroup
    private let groupEvents: Mailbox<GroupEvent>
    private let disk: DiskThread
    private let incarnation = UInt64.random(in: 1...UInt64.max)
    private let syslog = SystemLog(tag: "configsync")
    private var machines: [String: FileMachine] = [:]
    private var node: NodeID?
    private var name = "this director"
    private var separation: String? = "connecting to corosync"
    private let startedAt = SuspendingClock.now
    private var separatedAt = SuspendingClock.now
    private var lastToken: UInt64 = 0
    private var waiting: Set<UInt64> = []
    private var verdicts: [UInt64: Verdict] = [:]
    /// Messages that were no messages, or not for us.
    private var passedOver = 0
    private var strangers: Set<String> = []

    /// Claims the run file and reads what is remembered; no thread runs yet.
    ///
    /// - Throws: ``SystemError``; EWOULDBLOCK of "lock" means that another daemon runs.
    init(_ settings: DaemonSettings) throws(SystemError) {
        self.settings = settings
        runFile = try RunFile(path: ConfigSyncClient.processPath(besides: settings.controlPath))
        loop = try EventLoop()
        group = try DirectorGroup(.directors, queue: OrderedMessages())
        groupEvents = try Mailbox()
        var disks: [FileDisk] = []
        for file in settings.files {
            let state = StateFile(of: file, in: settings.stateDirectory)
            let saved = try state.load()
            disks.append(FileDisk(path: file, state: state, saved: saved?.head))
            machines[file] = FileMachine(
                path: file,
                saved: saved,
                firstTransfer: UInt64.random(in: 0...UInt64.max)
            )
        }
        disk = try DiskThread(disks)
    }

    /// Runs until SIGTERM or SIGINT.
    func run() throws(SystemError) {
        // Before any thread starts, so that all of them leave the signals to this one.
        let signals = try SignalReader([SIGTERM, SIGINT], on: loop) { [unowned self] _ in loop.stop() }
        let server = try ControlServer(settings.controlPath, on: loop) { [unowned self] in answer($0) }
        defer {
            withExtendedLifetime(signals) { server.close() }
            runFile.release()
        }
        try loop.watch(groupEvents.descriptor, for: .readable) { [unowned self] _ in takeGroupEvents() }
        try loop.watch(disk.reports.descriptor, for: .readable) { [unowned self] _ in takeReports() }
        log(.notice, "keeps \(settings.files.joined(separator: ", "))")
        disk.start()
        group.start(DirectorGroupHandler(groupEvents))
        beat()
        try loop.run()
        log(.notice, "ends")
    }

    private var now: Moment { SuspendingClock.now - startedAt }

    private func beat() {
        handleAll(.tick)
        loop.after(Self.beat) { [unowned self] in beat() }
    }

    private func takeGroupEvents() {
        for event in groupEvents.drain() {
            switch event {
            case .joined(let node, let name):
                self.node = node
                self.name = name
                if separation != nil {
                    log(.notice, "\(name) is in the group")
                }
                separation = nil
                handleAll(.joined(node: node, name: name))
            case .members(let members, let joined): handleAll(.members(members, joined: joined))
            case .message(let sender, let bytes): take(bytes, sender)
            case .lost(let reason):
                if separation == nil {
                    separatedAt = SuspendingClock.now
                    log(.warning, "left the group: \(reason)")
                }
                separation = reason
                handleAll(.lost(reason))
            }
        }
    }

    private func take(_ bytes: [UInt8], _ sender: NodeID) {
        guard let message = try? Message(decoding: bytes), message.node == sender,
            // Another process of this node is not one of the directors.
            sender != node || message.incarnation == incarnation
        else {
            passedOver += 1
            return
        }
        if case .state(let announcement) = message.body, machines[announcement.path] == nil,
            strangers.insert("\(sender) \(announcement.path)").inserted
        {
            log(.warning, "\(announcement.name) keeps \(announcement.path), which is not kept here")
        }
        handleAll(.message(message))
    }

    private func takeReports() {
        for report in disk.reports.drain() {
            handle(report.file, .done(report.result))
        }
    }

    private func handleAll(_ event: FileEvent) {
        for file in settings.files {
            handle(file, event)
        }
    }

    private func handle(_ file: String, _ event: FileEvent) {
        guard let effects = machines[file]?.handle(event, at: now) else {
            return
        }
        for effect in effects {
            switch effect {
            case .send(let body):
                if let node {
                    group.outbox.add(Message(node: node, incarnation: incarnation, body: body).encoded())
                }
            case .run(let job): disk.perform(job, on: file)
            case .answer(let token, let verdict): keep(verdict, token)
            case .log(let severity, let text): log(severity, text)
            }
        }
    }

    private func keep(_ verdict: Verdict, _ token: UInt64) {
        waiting.remove(token)
        verdicts[token] = verdict
        loop.after(Self.answerLife) { [unowned self] in verdicts[token] = nil }
    }

    private func ask(_ file: String, _ event: (UInt64) -> FileEvent) -> String {
        guard machines[file] != nil else {
            return "exit 1\nthis file is not kept the same; those that are: \(settings.files.joined(separator: ", "))\n"
        }
        lastToken += 1
        waiting.insert(lastToken)
        let token = lastToken
        handle(file, event(token))
        return "wait \(token)\n"
    }

    /// Answers one request of the control socket.
    private func answer(_ request: String) -> String {
        let words = request.split(separator: " ", maxSplits: 2).map(String.init)
        switch (words.first, words.count) {
        case ("ping", 1):
            let seconds = (SuspendingClock.now - separatedAt).components.seconds
            return separation.map { "not-joined \(seconds) \($0)\n" } ?? "joined\n"
        case ("status", 1): return settings.files.compactMap { machines[$0]?.statusText }.joined()
        case ("status", 2) where words[1] == "json": return statusDocument + "\n"
        case ("send", 2...): return ask(request.dropFirst("send ".count).description) { .publish(token: $0) }
        case ("take", 3):
            guard let node = nodeNumber(words[1]) else {
                return "exit 1\nno director \(words[1]) is there\n"
            }
            return ask(words[2]) { .take(token: $0, node) }
        case ("files", 1): return settings.files.joined(separator: "\n") + "\n"
        case ("result", 2):
            guard let token = UInt64(words[1]) else {
                return "exit 1\nno such request\n"
            }
            if waiting.contains(token) {
                return "pending\n"
            }
            return verdicts[token].map { "exit \($0.outcome.rawValue)\n\($0.text)\n" } ?? "exit 1\nno such request\n"
        default:
            return "unknown request; known are ping, status, status json, files, send FILE, take NODE FILE, result N\n"
        }
    }

    private func nodeNumber(_ name: String) -> NodeID? {
        guard name != self.name else {
            return node
        }
        let known = machines.values.flatMap(\.peers).first { $0.value.announcement.name == name }
        return known?.key ?? NodeID(name)
    }

    private var statusDocument: String {
        JSONValue.object([
            ("schema", .number(1)),
            ("node", .string(name)),
            ("nodeid", .optional(node.map { Int($0) })),
            ("version", .string(ConfigSyncProgram.version)),
            ("joined", .boolean(separation == nil)),
            ("problem", .optional(separation)),
            ("messages_passed_over", .number(passedOver)),
            ("files", .array(settings.files.compactMap { machines[$0]?.statusValue })),
        ]).text
    }

    private func log(_ severity: Severity, _ text: String) {
        for line in text.split(separator: "\n") {
            if settings.isForeground {
                let bytes = Array("configsync: \(line)\n".utf8)
                // A closed terminal must not stop the daemon.
                _ = write(2, bytes, bytes.count)
                continue
            }
            let priority =
                switch severity {
                case .notice: LOG_NOTICE
                case .warning: LOG_WARNING
                case .error: LOG_ERR
                }
            syslog.write(String(line), priority: CInt(LOG_DAEMON) | CInt(priority))
        }
    }
}
