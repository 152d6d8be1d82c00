// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// Where an instance keeps its pid file, its locks and its control socket.
public struct RuntimeFiles: Sendable {
    /// The instance name: `ldirectord`, or the last component of the configuration's path.
    public let instance: String

    /// The pid file, locked as long as the instance runs.
    public let pidFile: String

    /// Whether files can be written there; a read-only /run leaves a director in the foreground without them.
    public var isAvailable = true

    /// Directory of the pid file.
    private static let pidDirectory = "/var/run"

    /// Directory of sockets and locks.
    private static let directory = RuntimeDirectory.path

    /// Names the files of an instance.
    ///
    /// - Parameters:
    ///   - instance: Its name.
    ///   - pidFile: Another path for the pid file (`--pidfile`); nil is the usual one.
    public init(instance: String, pidFile: String? = nil) {
        self.instance = instance
        self.pidFile = pidFile ?? "\(Self.pidDirectory)/ldirectord.\(instance).pid"
    }

    /// The control socket.
    public var controlSocket: String { "\(Self.directory)/ldirectord.\(instance).sock" }

    /// The orders that operators gave by the control socket.
    public var orderFile: String { "\(Self.directory)/ldirectord.\(instance).orders" }

    /// Where SIGUSR1 leaves the state.
    public var stateFile: String { "\(Self.directory)/ldirectord.\(instance).json" }

    /// The lock that keeps two instances from serving the same file.
    public static func configurationLock(_ path: String) -> String {
        // FNV-1a: a stable name of fixed length for a path of any length.
        let hash = path.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return "\(directory)/ldirectord.\(String(hash, radix: 16)).lock"
    }
}
