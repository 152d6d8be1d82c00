// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit

/// Watches the maintenance directory: inotify(7) tells of changes at once, a look every few seconds finds the others.
///
/// The looks are for file systems of other machines, whose changes inotify does not see, and for a directory that is
/// missing or was made anew.
final class MaintenanceDirectory {
    private static let lookInterval = Duration.seconds(5)
    /// How much of a file's text is read.
    private static let textLimit = 64

    let path: String
    private let loop: EventLoop
    private let changed: () -> Void
    private let descriptor: OwnedDescriptor
    private var watch: CInt = -1
    private var scanIsPlanned = false
    private var isClosed = false

    /// Starts watching.
    ///
    /// - Parameters:
    ///   - path: The directory; it may be missing.
    ///   - loop: The loop that tells of changes.
    ///   - changed: Called when something may have changed; ``read()`` tells what.
    init(_ path: String, on loop: EventLoop, _ changed: @escaping () -> Void) {
        self.path = path
        self.loop = loop
        self.changed = changed
        // Without a descriptor (-1, too many in use) there is the look every few seconds.
        let fd = inotify_init1(CInt(IN_NONBLOCK | IN_CLOEXEC))
        descriptor = OwnedDescriptor(owning: fd)
        if fd >= 0 {
            do {
                try loop.watch(fd, for: .readable) { [weak self] _ in self?.noticed() }
            } catch {
                // The look every few seconds is left.
            }
        }
        addWatch()
        look()
    }

    /// Stops watching.
    func close() {
        isClosed = true
        loop.unwatch(descriptor.raw)
    }

    /// The names of the files, and the start of each one's text; nil when the directory cannot be read.
    func read() -> [String: String]? {
        guard let directory = opendir(path) else {
            return nil
        }
        defer { closedir(directory) }
        var files: [String: String] = [:]
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." {
                files[name] = text(of: "\(path)/\(name)")
            }
        }
        return files
    }

    /// The start of a regular file's text; any other file, such as a pipe, is there and says nothing.
    private func text(of path: String) -> String {
        var info = stat()
        guard stat(path, &info) == 0, info.st_mode & S_IFMT == S_IFREG, info.st_size > 0 else {
            return ""
        }
        do {
            let file = try OwnedDescriptor(opening: path, flags: O_RDONLY | O_NONBLOCK)
            var buffer = [UInt8](repeating: 0, count: Self.textLimit)
            let count = try systemCall("read", path) { Glibc.read(file.raw, &buffer, buffer.count) }
            return String(decoding: buffer.prefix(count), as: UTF8.self)
        } catch {
            // It went meanwhile, which the next event tells, or it is not ours to read: then its name is what counts.
            return ""
        }
    }

    private func addWatch() {
        let events =
            IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF
        // The same directory gets the same watch again; another one of this name a new watch.
        watch = inotify_add_watch(descriptor.raw, path, UInt32(bitPattern: events))
    }

    private func noticed() {
        var buffer = [UInt8](repeating: 0, count: 16384)
        while Glibc.read(descriptor.raw, &buffer, buffer.count) > 0 {}
        guard !scanIsPlanned else {
            return
        }
        scanIsPlanned = true
        // A file that is made and then written comes as one change.
        loop.after(.milliseconds(50)) { [weak self] in
            self?.scanIsPlanned = false
            self?.tell()
        }
    }

    private func look() {
        loop.after(Self.lookInterval) { [weak self] in
            guard let self, !self.isClosed else {
                return
            }
            self.addWatch()
            self.tell()
            self.look()
        }
    }

    private func tell() {
        if !isClosed {
            changed()
        }
    }
}
