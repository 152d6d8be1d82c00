// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// One of the kernel's two connection synchronisation daemons of a network namespace (ipvsadm --start-daemon).
public struct SyncDaemon: Hashable, Sendable {
    /// Which of the two; they run independently of each other.
    public enum Role: UInt32, Hashable, Sendable, CaseIterable, CustomStringConvertible {
        /// Sends connections.
        case master = 1
        /// Receives connections.
        case backup = 2

        /// "master" or "backup".
        public var description: String { self == .master ? "master" : "backup" }
    }

    /// The kernel's group when none is asked for, 224.0.0.81.
    public static let defaultGroup = IPAddress(ipv4: 0xe000_0051)
    /// The kernel's UDP port when none is asked for.
    public static let defaultPort: UInt16 = 8848

    /// Sender or receiver.
    public var role: Role

    /// The interface that carries the datagrams, at most 15 bytes.
    public var interface: String

    /// 0 to 255; a backup takes only datagrams of its own id, with 0 those of every id.
    public var syncID: UInt32

    /// Largest UDP payload in bytes; nil is the kernel's choice.
    public var maximumLength: UInt16?

    /// Multicast group; nil is ``defaultGroup``.
    public var group: IPAddress?

    /// UDP port of the first thread in host order; nil is ``defaultPort``.
    public var port: UInt16?

    /// Time to live of the datagrams; nil is 1.
    public var timeToLive: UInt8?

    /// Describes a daemon.
    public init(
        _ role: Role,
        interface: String,
        syncID: UInt32,
        maximumLength: UInt16? = nil,
        group: IPAddress? = nil,
        port: UInt16? = nil,
        timeToLive: UInt8? = nil
    ) {
        self.role = role
        self.interface = interface
        self.syncID = syncID
        self.maximumLength = maximumLength
        self.group = group
        self.port = port
        self.timeToLive = timeToLive
    }

    /// Names the parameters in which a running daemon differs from this wanted one.
    ///
    /// A length that was not asked for matches any, because the kernel derives it; group, port and time to live have
    /// fixed defaults. A backup gets at least 1024 bytes whatever is asked for.
    ///
    /// - Parameter running: What the kernel reports.
    /// - Returns: Phrases such as "port 8849 instead of 8848"; empty when it is as wanted.
    public func differences(from running: SyncDaemon) -> [String] {
        var found: [String] = []
        func compare<Value: Equatable>(_ name: String, _ wanted: Value, _ actual: Value) {
            if wanted != actual {
                found.append("\(name) \(actual) instead of \(wanted)")
            }
        }
        compare("role", role, running.role)
        compare("interface", interface, running.interface)
        compare("syncid", syncID, running.syncID)
        if let maximumLength, let actual = running.maximumLength {
            compare("maxlen", role == .backup ? max(1024, maximumLength) : maximumLength, actual)
        }
        compare("group", group ?? Self.defaultGroup, running.group ?? Self.defaultGroup)
        compare("port", effective(port, default: Self.defaultPort), effective(running.port, default: Self.defaultPort))
        compare("ttl", effective(timeToLive, default: 1), effective(running.timeToLive, default: 1))
        return found
    }

    /// Zero stands for the default, as in the kernel.
    private func effective<Number: FixedWidthInteger>(_ value: Number?, default fallback: Number) -> Number {
        guard let value, value != 0 else {
            return fallback
        }
        return value
    }
}
