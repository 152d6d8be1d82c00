// SPDX-License-Identifier: Apache-2.0
import Glibc
public import LinuxKit

/// Where an instance keeps its pid file, its locks and its control socket.
public struct RuntimeFiles: Sendable {
    /// The instance name: `ldirectord`, or the last component of the configuration's path.
    public let instance: String

    /// Directory of the pid file.
    private static let pidDirectory = "/var/run"

    /// Directory of sockets and locks; root's alone.
    private static let directory = "/run/vervet"

    /// Names the files of an instance.
    public init(instance: String) { self.instance = instance }

    /// The pid file, locked as long as the instance runs.
    public var pidFile: String { "\(Self.pidDirectory)/ldirectord.\(instance).pid" }

    /// The control socket.
    public var controlSocket: String { "\(Self.directory)/ldirectord.\(instance).sock" }

    /// The lock that keeps two instances from serving the same file.
    public static func configurationLock(_ path: String) -> String {
        // FNV-1a: a stable name of fixed length for a path of any length.
        let hash = path.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return "\(directory)/ldirectord.\(String(hash, radix: 16)).lock"
    }

    /// Creates the directory of sockets and locks, and makes sure that nobody else can write there.
    ///
    /// - Throws: ``SystemError``; EPERM when the directory belongs to somebody else.
    public static func prepareDirectory() throws(SystemError) {
        if mkdir(directory, 0o700) != 0, errno != EEXIST {
            throw .last("mkdir", directory)
        }
        var info = stat()
        try systemCall("lstat", directory) { lstat(directory, &info) }
        guard info.st_mode & S_IFMT == S_IFDIR, info.st_uid == geteuid(), info.st_mode & 0o022 == 0 else {
            throw SystemError(operation: "use", subject: directory, code: EPERM)
        }
    }
}
