// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A pid file that holds a ``ProcessIdentity``: it names one process only, and nobody else is ever ended because of it.
public struct IdentityFile: Sendable, Hashable {
    /// The file's absolute path.
    public let path: String

    /// Prepares for a file; nothing is read or written yet.
    public init(path: String) { self.path = path }

    /// Creates the file for the calling process.
    ///
    /// An earlier process of the same program that the file names is ended with SIGTERM first. A file that is empty,
    /// stale, or names some other program's process is replaced and that process left alone.
    ///
    /// - Throws: ``SystemError``; `EEXIST` when somebody else creates the file at the same time.
    public func claim() throws(SystemError) {
        guard let own = ProcessIdentity.current else {
            throw SystemError(operation: "read", subject: "/proc/self/stat", code: ENOENT)
        }
        try makeDirectory()
        do {
            try TextFile.write(path, own.text, exclusive: true)
            return
        } catch {
            guard error.code == EEXIST else {
                throw error
            }
        }
        if let earlier = owner(), earlier != own {
            try earlier.end(grace: .seconds(1), force: false)
        }
        try remove()
        try TextFile.write(path, own.text, exclusive: true)
    }

    /// Makes the file name a process, whatever it named before.
    ///
    /// - Throws: ``SystemError`` when the file cannot be written.
    public func name(_ process: ProcessIdentity) throws(SystemError) {
        try makeDirectory()
        try TextFile.write(path, process.text)
    }

    /// Ends the process that the file names, proven by its start time, and removes the file.
    ///
    /// - Parameters:
    ///   - grace: How long the process may take before SIGKILL.
    ///   - end: What is waited for.
    /// - Throws: ``SystemError`` when the process cannot be ended.
    public func end(grace: Duration, until end: ProcessIdentity.End) throws(SystemError) {
        guard let text = try? TextFile.read(path, limit: 256) else {
            return
        }
        try ProcessIdentity(text: text)?.end(grace: grace, until: end)
        _ = unlink(path)
    }

    /// Whether the file names the calling process.
    public var namesCaller: Bool { identity != nil && identity == ProcessIdentity.current }

    /// Whether the process that the file names still exists.
    public var isOwnerAlive: Bool { identity?.isAlive ?? false }

    private var identity: ProcessIdentity? {
        (try? TextFile.read(path, limit: 256)).flatMap { ProcessIdentity(text: $0) }
    }

    private func makeDirectory() throws(SystemError) {
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            try TextFile.makeDirectory(String(path[..<slash]))
        }
    }

    /// Removes the file if it names the calling process.
    public func release() {
        if namesCaller {
            // Nothing can be done about a file that cannot be removed; it is recognised as stale later.
            _ = unlink(path)
        }
    }

    /// The process that the file names, proven by its start time, or, in a file of one line, by its program.
    private func owner() -> ProcessIdentity? {
        guard let text = try? TextFile.read(path, limit: 256) else {
            return nil
        }
        if let identity = ProcessIdentity(text: text) {
            return identity.isAlive ? identity : nil
        }
        let word = text.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
        guard let pid = Int32(word), let identity = ProcessIdentity(pid: pid),
            let program = Self.program("/proc/\(pid)/exe"), program == Self.program("/proc/self/exe")
        else {
            return nil
        }
        return identity
    }

    private func remove() throws(SystemError) {
        do {
            try systemCall("unlink", path) { unlink(path) }
        } catch {
            guard error.code == ENOENT else {
                throw error
            }
        }
    }

    private static func program(_ link: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        return readlink(link, &buffer, buffer.count - 1) > 0 ? String(nulTerminated: buffer) : nil
    }
}
