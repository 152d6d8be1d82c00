// SPDX-License-Identifier: Apache-2.0

/// What a resource wants of the kernel's synchronisation, as it leaves it for those who look at the director.
public struct SyncIntent: Hashable, Sendable {
    /// A daemon that shall run.
    public struct Daemon: Hashable, Sendable {
        /// Sender or receiver.
        public let role: SyncDaemon.Role
        /// Its interface.
        public let interface: String
        /// Its syncid.
        public let syncID: UInt32

        /// Names a daemon.
        public init(_ role: SyncDaemon.Role, interface: String, syncID: UInt32) {
            self.role = role
            self.interface = interface
            self.syncID = syncID
        }
    }

    /// A setting under net.ipv4.vs.
    public struct Setting: Hashable, Sendable {
        /// Its name.
        public let name: String
        /// Its value, numbers with single blanks between them.
        public let value: String

        /// Describes a setting.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The daemons that shall run.
    public var daemons: [Daemon] = []
    /// The settings that shall be in force.
    public var settings: [Setting] = []
    /// Settings that have changed and that the daemons take only when they start again.
    public var pending: Set<String> = []
    /// The network namespace that it is about; empty for the machine's own.
    public var namespace = ""

    /// Wants nothing.
    public init() {}

    /// Reads ``text``; lines of other things are passed over.
    public init(text: String) {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 2).map(String.init)
            switch (words.first, words.count) {
            case ("namespace", 2): namespace = words[1]
            case ("pending", 2): pending.insert(words[1])
            case ("wants", 3): settings.append(Setting(words[1], words[2]))
            case ("daemon", 3):
                let ends = words[2].split(separator: " ").map(String.init)
                if let role = SyncDaemon.Role.allCases.first(where: { "\($0)" == words[1] }), ends.count == 2,
                    let number = UInt32(ends[1])
                {
                    daemons.append(Daemon(role, interface: ends[0], syncID: number))
                }
            default: break
            }
        }
    }

    /// One fact a line.
    public var text: String {
        let place = namespace.isEmpty ? [] : ["namespace \(namespace)"]
        let lines =
            place + daemons.map { "daemon \($0.role) \($0.interface) \($0.syncID)" }
            + settings.map { "wants \($0.name) \($0.value)" } + pending.sorted().map { "pending \($0)" }
        return lines.map { $0 + "\n" }.joined()
    }

    /// What is not as it shall be, one line each.
    ///
    /// - Parameters:
    ///   - running: The daemons that run.
    ///   - present: The settings that the kernel has, by name; others are not judged.
    /// - Returns: The lines.
    public func differences(running: [SyncDaemon], present: [String: String]) -> [String] {
        let missing = daemons.compactMap { daemon -> String? in
            guard let found = running.first(where: { $0.role == daemon.role }) else {
                return "the \(daemon.role) daemon does not run"
            }
            return found.interface == daemon.interface && found.syncID == daemon.syncID
                ? nil
                : "the \(daemon.role) daemon runs on \(found.interface) with syncid \(found.syncID), "
                    + "wanted \(daemon.interface), \(daemon.syncID)"
        }
        let wrong = settings.compactMap { setting -> String? in
            guard let value = present[setting.name], value != setting.value else {
                return nil
            }
            return "\(setting.name) is \(value), wanted \(setting.value)"
        }
        return missing + wrong + pending.sorted().map { "\($0) is in force when the sync daemons start again" }
    }
}
