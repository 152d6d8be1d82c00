// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit

/// Lets the instances of one shared address on a node change its filter one after the other.
///
/// It is a lock on a directory, so it ends with its holder and never gets stale.
struct ClusterLock: ~Copyable {
    private let directory: OwnedDescriptor
    private let path: String

    /// Waits for the lock.
    ///
    /// - Throws: ``SystemError`` with `EBUSY` when another instance has held it until `deadline`.
    init(_ path: String, until deadline: Deadline) throws(SystemError) {
        while true {
            try TextFile.makeDirectory(path, mode: 0o700)
            let candidate: OwnedDescriptor
            do {
                candidate = try OwnedDescriptor(opening: path, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            } catch {
                // Removed by its last holder a moment ago.
                if error.code == ENOENT && !deadline.hasPassed {
                    continue
                }
                throw error
            }
            if vervet_flock(candidate.raw, LOCK_EX | LOCK_NB) == 0 {
                var status = stat()
                if fstat(candidate.raw, &status) == 0 && status.st_nlink > 0 {
                    directory = candidate
                    self.path = path
                    return
                }
                continue
            }
            guard !deadline.hasPassed else {
                throw SystemError(operation: "lock", subject: path, code: EBUSY)
            }
            usleep(5000)
        }
    }

    deinit {
        // Removed while it is still held; who waits for it sees that it has gone and makes a new one.
        _ = rmdir(path)
    }
}
