// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

/// The settings `net.ipv4.vs.*` of the calling thread's network namespace; they exist only while ip_vs is loaded.
public struct IPVSSysctl: Sendable {
    /// The directory of the files.
    public let directory: String

    /// Uses the kernel's directory, or another one for tests.
    public init(directory: String = "/proc/sys/net/ipv4/vs") {
        self.directory = directory
    }

    /// Reads a setting.
    ///
    /// - Parameter name: Such as `sync_threshold`.
    /// - Returns: The numbers with single blanks between them; nil when this kernel has no such setting.
    /// - Throws: ``IPVSError``.
    public func value(_ name: String) throws(IPVSError) -> String? {
        do {
            let file = try OwnedDescriptor(opening: path(name), flags: O_RDONLY)
            var buffer = [UInt8](repeating: 0, count: 256)
            let count = try systemCall("read", path(name)) { Glibc.read(file.raw, &buffer, buffer.count) }
            return Self.normalized(String(decoding: buffer.prefix(count), as: UTF8.self))
        } catch {
            if error.code == ENOENT {
                return nil
            }
            throw failure("read", name, error)
        }
    }

    /// Writes a setting unless it has the value already, and reads it back.
    ///
    /// - Parameters:
    ///   - name: Such as `sync_threshold`.
    ///   - value: The numbers with blanks between them.
    /// - Returns: The value found before; nil when it was the wanted one and nothing was written.
    /// - Throws: ``IPVSError``; ``IPVSError/Code/unavailable`` when this kernel has no such setting.
    public func set(_ name: String, to value: String) throws(IPVSError) -> String? {
        guard let before = try self.value(name) else {
            throw IPVSError(
                .unavailable,
                operation: "set net.ipv4.vs.\(name)",
                subject: "to \(value)",
                underlying: ENOENT,
                explanation: "this kernel has no such setting"
            )
        }
        let wanted = Self.normalized(value)
        if before == wanted {
            return nil
        }
        do {
            let file = try OwnedDescriptor(opening: path(name), flags: O_WRONLY)
            let bytes = Array(wanted.utf8)
            try systemCall("write", path(name)) { write(file.raw, bytes, bytes.count) }
        } catch {
            throw failure("set", name, error, value: wanted)
        }
        let after = try self.value(name)
        guard after == wanted else {
            throw IPVSError(
                .invalid,
                operation: "set net.ipv4.vs.\(name)",
                subject: "to \(wanted)",
                underlying: EINVAL,
                explanation: "the kernel made \(after ?? "nothing") of it"
            )
        }
        return before
    }

    /// Tabs and line ends, which the kernel puts between numbers, as single blanks.
    static func normalized(_ text: String) -> String {
        text.split { $0.isWhitespace || $0 == "\0" }.joined(separator: " ")
    }

    private func path(_ name: String) -> String { "\(directory)/\(name)" }

    private func failure(_ verb: String, _ name: String, _ error: SystemError, value: String? = nil) -> IPVSError {
        let code: IPVSError.Code =
            switch error.code {
            case EPERM, EACCES: .notPermitted
            case EINVAL, ERANGE: .invalid
            default: .other
            }
        return IPVSError(
            code,
            operation: "\(verb) net.ipv4.vs.\(name)",
            subject: value.map { "to \($0)" } ?? "",
            underlying: error.code,
            explanation: error.reason
        )
    }
}
