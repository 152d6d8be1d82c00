// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

/// Notices that the content of a file changed; only content counts, a new time stamp alone does not.
///
/// The file is looked at once a second, and read when its stamp has been the same twice in a row, so that a file that is
/// being written is not read halfway.
struct ConfigurationWatcher {
    private struct Stamp: Equatable {
        let inode: ino_t
        let size: off_t
        let seconds: Int
        let nanoseconds: Int
    }

    private let file: ConfigurationFile
    private var read: Stamp?
    private var last: Stamp?
    private var content: [UInt8]
    /// Whether the file is gone.
    private(set) var isMissing = false

    /// Watches a file whose content is known.
    init(_ file: ConfigurationFile, content: [UInt8]) {
        self.file = file
        self.content = content
        last = nil
        read = nil
    }

    /// The new content, when it changed since it was last known.
    mutating func poll() -> [UInt8]? {
        let stamp = Self.stamp(file.path)
        defer { last = stamp }
        isMissing = stamp == nil
        guard let stamp, stamp == last, stamp != read else {
            return nil
        }
        let now: [UInt8]
        do {
            now = try file.load()
        } catch {
            // It will be looked at again in a second.
            return nil
        }
        read = stamp
        guard now != content else {
            return nil
        }
        content = now
        return now
    }

    /// Takes note of content that was read for another reason.
    mutating func accept(_ content: [UInt8]) { self.content = content }

    private static func stamp(_ path: String) -> Stamp? {
        var info = stat()
        guard stat(path, &info) == 0 else {
            return nil
        }
        return Stamp(
            inode: info.st_ino,
            size: info.st_size,
            seconds: info.st_mtim.tv_sec,
            nanoseconds: info.st_mtim.tv_nsec
        )
    }
}
