// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
public import LinuxKit

/// A file that holds our pid and an exclusive lock for as long as this value lives; the kernel drops the lock when we die.
public struct LockFile: ~Copyable {
    private let descriptor: OwnedDescriptor
    private let path: String

    /// Takes the lock and writes the pid.
    ///
    /// - Returns: nil when another process holds it.
    /// - Throws: ``SystemError`` of open(2), flock(2) or write(2).
    public static func take(_ path: String) throws(SystemError) -> LockFile? {
        for _ in 0..<10 {
            let descriptor = try OwnedDescriptor(opening: path, flags: O_RDWR | O_CREAT | O_NOFOLLOW)
            if flock(descriptor.raw, LOCK_EX | LOCK_NB) != 0 {
                guard errno == EWOULDBLOCK else {
                    throw .last("flock", path)
                }
                return nil
            }
            // The file may have been removed by its last owner between open and lock.
            guard sameFile(descriptor.raw, path) else {
                continue
            }
            // Who can read a file can lock it (flock(2)): anybody could keep us from starting, and make a dead director
            // look alive. So it is root's alone, also when a predecessor left it open to all.
            try systemCall("fchmod", path) { fchmod(descriptor.raw, 0o600) }
            let text = Array("\(getpid())\n".utf8)
            try systemCall("ftruncate", path) { ftruncate(descriptor.raw, 0) }
            try systemCall("write", path) { write(descriptor.raw, text, text.count) }
            return LockFile(descriptor: descriptor, path: path)
        }
        throw SystemError(operation: "lock", subject: path, code: EBUSY)
    }

    /// Removes the file and drops the lock.
    public consuming func remove() {
        // Removing comes first, while the lock is held: nobody else's file can be hit.
        _ = unlink(path)
    }

    /// What a lock file says about its owner.
    public enum Owner: Equatable, Sendable {
        /// There is no file.
        case none
        /// The file is there, but nobody holds it.
        case stale
        /// This process holds it.
        case process(CInt)
    }

    /// Looks at a lock file without changing it.
    ///
    /// - Parameter path: The pid file.
    /// - Returns: Its owner. A pid file without a lock whose process is the Perl program counts as held, for migration.
    /// - Throws: ``SystemError`` when the file cannot be read.
    public static func owner(of path: String) throws(SystemError) -> Owner {
        // open(2) alone, without a look before: an instance that ends removes its file at any moment.
        let raw = open(path, O_RDONLY | O_CLOEXEC)
        guard raw >= 0 || errno != ENOENT else {
            return .none
        }
        guard raw >= 0 else {
            throw .last("open", path)
        }
        let descriptor = OwnedDescriptor(owning: raw)
        var buffer = [UInt8](repeating: 0, count: 32)
        let count = try systemCall("read", path) { read(descriptor.raw, &buffer, buffer.count) }
        let pid = pid_t(String(decoding: buffer.prefix(count).prefix { $0 >= 0x30 && $0 <= 0x39 }, as: UTF8.self)) ?? 0
        if flock(descriptor.raw, LOCK_SH | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK else {
                throw .last("flock", path)
            }
            return .process(pid)
        }
        return pid > 1 && isPerlDirector(pid) ? .process(pid) : .stale
    }

    private static func sameFile(_ descriptor: CInt, _ path: String) -> Bool {
        var (held, named) = (stat(), stat())
        return fstat(descriptor, &held) == 0 && lstat(path, &named) == 0 && held.st_ino == named.st_ino
            && held.st_dev == named.st_dev
    }

    private static func isPerlDirector(_ pid: pid_t) -> Bool {
        guard let bytes = FileContent.read("/proc/\(pid)/cmdline", limit: 4096) else {
            return false
        }
        // The interpreter and its script, or the title that the program gives itself.
        let words = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        return words.contains {
            $0.hasPrefix("ldirectord ") || ($0.hasSuffix("/ldirectord") && words[0].contains("perl"))
        }
    }
}
