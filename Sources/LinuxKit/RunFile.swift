// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc

/// The file that names the running daemon (``ProcessIdentity``) and is locked as long as it lives.
public final class RunFile {
    private let path: String
    private let file: OwnedDescriptor

    /// Takes the place of the running daemon.
    ///
    /// - Throws: ``SystemError`` with EWOULDBLOCK when another daemon runs.
    public init(path: String) throws(SystemError) {
        self.path = path
        try RuntimeDirectory.prepare(for: path)
        let opened = try OwnedDescriptor(opening: path, flags: O_RDWR | O_CREAT | O_NOFOLLOW)
        let raw = opened.raw
        try systemCall("lock", path) { flock(raw, LOCK_EX | LOCK_NB) }
        // Who can read a file can lock it (flock(2)) and keep the next heartbeat from starting: it is root's alone.
        try systemCall("fchmod", path) { fchmod(raw, 0o600) }
        let text = Array((ProcessIdentity.current?.text ?? "").utf8)
        try systemCall("truncate", path) { ftruncate(raw, 0) }
        try systemCall("write", path) { write(raw, text, text.count) }
        file = opened
    }

    /// Ends the claim in good order.
    public func release() {
        // A file that stays is recognised as stale: the process it names is gone.
        _ = unlink(path)
    }
}
