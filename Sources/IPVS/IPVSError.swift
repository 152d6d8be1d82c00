// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Netlink

/// A refused or failed IPVS operation: what was tried, on what, why, and what to do about it.
public struct IPVSError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of failure.
    public enum Code: Sendable, Hashable {
        /// CAP_NET_ADMIN is missing.
        case notPermitted
        /// The kernel has no IPVS, or its module is not loaded.
        case unavailable
        /// The service, server or daemon is there already.
        case alreadyExists
        /// There is no such service.
        case noSuchService
        /// There is no such real server in the service.
        case noSuchDestination
        /// The daemon does not run.
        case daemonNotRunning
        /// Scheduler or persistence engine are unknown.
        case unknownScheduler
        /// A value is outside its range, or the combination is not allowed.
        case invalid
        /// IPv6 is off, or the family is unknown.
        case familyUnavailable
        /// There is no such interface.
        case noSuchInterface
        /// The interface is down.
        case interfaceDown
        /// The daemon's address or port is not usable on the interface.
        case addressUnavailable
        /// The kernel gave no answer in time.
        case noAnswer
        /// Memory is short, or answers were lost.
        case resourcesExhausted
        /// Anything else.
        case other
    }

    /// What a request names, as the same errno means different things.
    enum Target {
        case service
        case destination
        case daemon
        case general
    }

    /// The kind of failure.
    public let code: Code

    /// What was tried: "add service".
    public let operation: String

    /// On what; may be empty.
    public let subject: String

    /// The errno behind it; 0 when the request was never sent.
    public let underlying: CInt

    /// Why, and what to do.
    public let explanation: String

    /// Describes a failure.
    public init(_ code: Code, operation: String, subject: String = "", underlying: CInt = 0, explanation: String) {
        self.code = code
        self.operation = operation
        self.subject = subject
        self.underlying = underlying
        self.explanation = explanation
    }

    /// One line: what failed, on what, why, what to do.
    public var description: String {
        subject.isEmpty ? "\(operation): \(explanation)" : "\(operation) \(subject): \(explanation)"
    }

    /// Translates the errno by what the request named.
    init(_ error: NetlinkError, _ target: Target) {
        let (code, text) = Self.meaning(error, target)
        let detail = error.detail.isEmpty ? "" : " (\(error.detail))"
        self.init(
            code,
            operation: error.operation,
            subject: error.subject,
            underlying: error.code,
            explanation: text + detail
        )
    }

    private static func meaning(_ error: NetlinkError, _ target: Target) -> (Code, String) {
        guard error.kind == .refused else {
            return error.kind == .noAnswer
                ? (.noAnswer, "the kernel gave no answer; it may have been done all the same, read the table again")
                : (error.code == ENOBUFS || error.code == ENOMEM ? .resourcesExhausted : .other, error.reason)
        }
        switch (error.code, target) {
        case (EPERM, _), (EACCES, _):
            return (.notPermitted, "not permitted; run as root or with CAP_NET_ADMIN in the host's user namespace")
        case (EEXIST, .daemon): return (.alreadyExists, "already running; stop it first to change its parameters")
        case (EEXIST, _): return (.alreadyExists, "already exists")
        case (ESRCH, .daemon): return (.daemonNotRunning, "not running")
        case (ESRCH, _): return (.noSuchService, "no such virtual service")
        case (ENOENT, .service):
            return (
                .unknownScheduler, "scheduler or persistence engine unknown to the kernel; check its name and module"
            )
        case (ENOENT, .destination): return (.noSuchDestination, "no such real server")
        case (EOPNOTSUPP, _):
            return (.unavailable, "this kernel's IPVS does not support it; is ip_vs being reloaded?")
        case (ERANGE, _): return (.invalid, "weight below 0, or lower threshold above the upper one")
        case (EINVAL, .destination):
            return (
                .invalid,
                "refused as invalid: check the address (unicast, not link-local), the tunnel options, and that servers "
                    + "of the other address family use a tunnel and no sync daemon runs"
            )
        case (EINVAL, .daemon):
            return (.invalid, "refused as invalid: check the group (multicast), maxlen, and servers of mixed families")
        case (EINVAL, _): return (.invalid, "refused as invalid: check address, port, flags and prefix length")
        case (EAFNOSUPPORT, _): return (.familyUnavailable, "address family not available; IPv6 is off in this kernel")
        case (ENODEV, _): return (.noSuchInterface, "no such interface")
        case (ENETUNREACH, _): return (.interfaceDown, "the interface is down; set it up first")
        case (EADDRNOTAVAIL, _), (EADDRINUSE, _):
            return (.addressUnavailable, "\(error.reason); check the interface's address and the port")
        case (ENOPROTOOPT, _): return (.unavailable, "the ip_vs module is being unloaded")
        case (ENOMEM, _), (ENOBUFS, _): return (.resourcesExhausted, "out of memory; try again")
        default: return (.other, SystemError(operation: "", code: error.code).reason)
        }
    }

    /// The family cannot be found.
    static func unavailable(_ error: NetlinkError) -> IPVSError {
        guard error.kind == .refused, error.code == ENOENT else {
            return IPVSError(error, .general)
        }
        return IPVSError(
            .unavailable,
            operation: "open IPVS",
            underlying: error.code,
            explanation: "ip_vs is not available: load it with modprobe ip_vs"
        )
    }
}
