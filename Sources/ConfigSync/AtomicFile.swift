// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

/// Replaces files so that a reader, and a machine that loses power, sees the old one or the new one and nothing else.
enum AtomicFile {
    /// Who may do what with a file.
    struct Access {
        var mode: mode_t
        var owner: uid_t
        var group: gid_t
    }

    /// A new file beside the one it will replace; it is gone unless ``commit()`` was called.
    struct Draft: ~Copyable {
        private let path: String
        private let temporary: String

        /// Writes the bytes to the disk.
        init(of path: String, _ bytes: [UInt8], _ access: Access) throws(SystemError) {
            self.path = path
            let (directory, name) = AtomicFile.split(path)
            temporary = "\(directory)/.\(name).\(String(UInt32.random(in: 0 ... .max), radix: 36)).new"
            let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
            // Root's alone until it is what it shall be.
            let file = try OwnedDescriptor(opening: temporary, flags: flags, mode: 0o600)
            let raw = file.raw
            let subject = temporary
            do throws(SystemError) {
                var rest = bytes[...]
                while !rest.isEmpty {
                    let count = try systemCall("write", subject) {
                        rest.withUnsafeBytes { Glibc.write(raw, $0.baseAddress, $0.count) }
                    }
                    rest = rest.dropFirst(count)
                }
                try systemCall("chown", subject) { fchown(raw, access.owner, access.group) }
                try systemCall("chmod", subject) { fchmod(raw, access.mode) }
                try systemCall("fsync", subject) { fsync(raw) }
            } catch {
                _ = unlink(subject)
                throw error
            }
        }

        deinit {
            // After a commit there is none of this name.
            _ = unlink(temporary)
        }

        /// Puts the new file in the place of the old one.
        consuming func commit() throws(SystemError) {
            let (temporary, path) = (temporary, path)
            try systemCall("rename", path) { rename(temporary, path) }
            try AtomicFile.syncDirectory(of: path)
        }
    }

    /// Replaces a file's content.
    static func write(_ path: String, _ bytes: [UInt8], _ access: Access) throws(SystemError) {
        try Draft(of: path, bytes, access).commit()
    }

    /// Keeps the file under a second name, in the place of whatever had that name.
    static func keep(_ path: String, as second: String, _ bytes: [UInt8], _ access: Access) throws(SystemError) {
        _ = unlink(second)
        do {
            try systemCall("link", second) { link(path, second) }
        } catch {
            guard [EPERM, EOPNOTSUPP, EMLINK].contains(error.code) else {
                throw error
            }
            // A file system without hard links.
            try write(second, bytes, access)
        }
    }

    static func split(_ path: String) -> (directory: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else {
            return (".", path)
        }
        let directory = String(path[..<slash])
        return (directory.isEmpty ? "/" : directory, String(path[path.index(after: slash)...]))
    }

    private static func syncDirectory(of path: String) throws(SystemError) {
        let directory = split(path).directory
        let opened = try OwnedDescriptor(opening: directory, flags: O_RDONLY | O_DIRECTORY)
        let raw = opened.raw
        try systemCall("fsync", directory) { fsync(raw) }
    }
}
