// SPDX-License-Identifier: Apache-2.0
public import Glibc

/// A file descriptor that is closed exactly once, when its owner goes.
public struct OwnedDescriptor: ~Copyable, Sendable {
    /// The descriptor's number, valid as long as the owner lives.
    public let raw: CInt

    /// Takes over an open descriptor.
    public init(owning raw: CInt) {
        self.raw = raw
    }

    /// Opens a file, close-on-exec.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - flags: `O_RDONLY`, `O_WRONLY | O_CREAT` and so on; `O_CLOEXEC` is added.
    ///   - mode: Permissions of a file that is created.
    /// - Throws: ``SystemError`` of open(2).
    public init(opening path: String, flags: CInt, mode: mode_t = 0o600) throws(SystemError) {
        raw = try systemCall("open", path) { open(path, flags | O_CLOEXEC, mode) }
    }

    deinit {
        // Nothing useful can be done about a failing close here: the descriptor is gone either way (close(2)).
        _ = close(raw)
    }

    /// Gives the descriptor away; the caller closes it.
    public consuming func take() -> CInt {
        let number = raw
        discard self
        return number
    }
}
