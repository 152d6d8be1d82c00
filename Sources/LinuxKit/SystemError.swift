// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A failed system call: what was tried, on what, and the errno.
public struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The call that failed, by its C name ("connect", "open").
    public let operation: String

    /// What it was tried on (a path, an address, a device); empty when there is nothing to name.
    public let subject: String

    /// The errno that the call left.
    public let code: CInt

    /// Describes a failure that is already known.
    public init(operation: String, subject: String = "", code: CInt) {
        self.operation = operation
        self.subject = subject
        self.code = code
    }

    /// Describes the failure that the calling thread's errno stands for; call it before anything else can change errno.
    public static func last(_ operation: String, _ subject: String = "") -> SystemError {
        SystemError(operation: operation, subject: subject, code: errno)
    }

    /// The C library's text for the errno, without the operation.
    public var reason: String {
        var buffer = [CChar](repeating: 0, count: 128)
        // The XSI variant fills the buffer and returns a status; an unknown errno still leaves "Unknown error N".
        _ = strerror_r(code, &buffer, buffer.count)
        return String(nulTerminated: buffer)
    }

    /// One line: operation, subject, reason.
    public var description: String {
        subject.isEmpty ? "\(operation): \(reason)" : "\(operation) \(subject): \(reason)"
    }
}

extension String {
    /// The text before the first NUL of a C character buffer; invalid UTF-8 is repaired.
    public init(nulTerminated buffer: [CChar]) {
        self.init(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
