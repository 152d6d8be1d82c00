// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

/// A netlink request that was refused, or that could not be carried out.
public struct NetlinkError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Where it failed.
    public enum Kind: Sendable, Equatable {
        /// The kernel answered with an errno.
        case refused
        /// A system call on our socket failed; ENOBUFS means that answers were lost.
        case socket
        /// The kernel gave no answer in time; the request may have been carried out all the same.
        case noAnswer
        /// The table changed during each of several dumps.
        case inconsistentDump
        /// The answer was truncated or not understood.
        case malformedAnswer
    }

    /// Where it failed.
    public let kind: Kind

    /// What was tried: "add address".
    public let operation: String

    /// What it was tried on; may be empty.
    public let subject: String

    /// The errno: the kernel's, the system call's, or a fitting one for the other kinds.
    public let code: CInt

    /// The kernel's own words (extended acknowledgement) or details of a malformed answer; may be empty.
    public let detail: String

    /// Describes a failure.
    public init(kind: Kind, operation: String, subject: String = "", code: CInt, detail: String = "") {
        self.kind = kind
        self.operation = operation
        self.subject = subject
        self.code = code
        self.detail = detail
    }

    init(_ kind: Kind, _ request: NetlinkRequest, code: CInt, detail: String = "") {
        self.init(kind: kind, operation: request.operation, subject: request.subject, code: code, detail: detail)
    }

    /// The errno's text, with the kernel's own words when it gave any.
    public var reason: String {
        let text =
            switch kind {
            case .refused, .socket: SystemError(operation: "", code: code).reason
            case .noAnswer: "no answer from the kernel"
            case .inconsistentDump: "the table changed during every attempt to read it"
            case .malformedAnswer: "malformed answer from the kernel"
            }
        return detail.isEmpty ? text : "\(text) (\(detail))"
    }

    /// One line: what failed, on what, why.
    public var description: String {
        subject.isEmpty ? "\(operation): \(reason)" : "\(operation) \(subject): \(reason)"
    }
}
