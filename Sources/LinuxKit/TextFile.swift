// SPDX-License-Identifier: Apache-2.0
public import Glibc

/// Small text files, read and written as a whole.
public enum TextFile {
    /// Reads a file; invalid UTF-8 is repaired.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - limit: The most bytes that are read; the rest is left out.
    /// - Returns: The text.
    /// - Throws: ``SystemError`` of open(2) or read(2).
    public static func read(_ path: String, limit: Int) throws(SystemError) -> String {
        let file = try OwnedDescriptor(opening: path, flags: O_RDONLY)
        let raw = file.raw
        var buffer = [UInt8](repeating: 0, count: limit)
        var length = 0
        while length < limit {
            let count = try systemCall("read", path) {
                buffer.withUnsafeMutableBytes { Glibc.read(raw, $0.baseAddress?.advanced(by: length), limit - length) }
            }
            if count == 0 {
                break
            }
            length += count
        }
        return String(decoding: buffer[..<length], as: UTF8.self)
    }

    /// Writes a file anew, following no symbolic link.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - text: What it contains afterwards.
    ///   - exclusive: Whether an existing file is an error (`EEXIST`) instead of being replaced.
    /// - Throws: ``SystemError`` of open(2) or write(2).
    public static func write(_ path: String, _ text: String, exclusive: Bool = false) throws(SystemError) {
        let flags = O_WRONLY | O_CREAT | O_NOFOLLOW | (exclusive ? O_EXCL : O_TRUNC)
        let file = try OwnedDescriptor(opening: path, flags: flags)
        let raw = file.raw
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = try systemCall("write", path) {
                rest.withUnsafeBytes { Glibc.write(raw, $0.baseAddress, $0.count) }
            }
            rest = rest.dropFirst(count)
        }
    }

    /// Makes a directory and those above it; one that exists is fine.
    ///
    /// - Throws: ``SystemError`` of mkdir(2).
    public static func makeDirectory(_ path: String, mode: mode_t = 0o755) throws(SystemError) {
        do {
            try make(path, mode)
        } catch {
            guard error.code == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
                throw error
            }
            try makeDirectory(String(path[..<slash]), mode: mode)
            try make(path, mode)
        }
    }

    /// Makes one directory; somebody else may have made it a moment ago.
    private static func make(_ path: String, _ mode: mode_t) throws(SystemError) {
        do {
            try systemCall("mkdir", path) { mkdir(path, mode) }
        } catch {
            guard error.code == EEXIST else {
                throw error
            }
        }
    }
}
