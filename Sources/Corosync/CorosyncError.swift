// SPDX-License-Identifier: Apache-2.0
import CCorosync

/// A failed call to Corosync: which call, and what its `cs_error_t` means for the caller.
public struct CorosyncError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What a caller has to do about the failure.
    public enum Kind: Sendable, Equatable {
        /// `CS_ERR_TRY_AGAIN`, `CS_ERR_QUEUE_FULL`: nothing is wrong, the same call later.
        case tryAgain

        /// `CS_ERR_LIBRARY`, `CS_ERR_BAD_HANDLE`: Corosync is not there (any more); drop every handle and reconnect.
        case disconnected

        /// `CS_ERR_ACCESS`, `CS_ERR_SECURITY`: Corosync refuses this user.
        case denied

        /// `CS_ERR_NOT_EXIST`: the key, node or group is unknown.
        case notFound

        /// `CS_ERR_EXIST`: already done.
        case exists

        /// Anything else.
        case other
    }

    /// The C function that failed.
    public let operation: String

    /// The `cs_error_t`.
    public let code: Int32

    init(_ operation: String, _ code: cs_error_t) {
        self.operation = operation
        self.code = Int32(bitPattern: code.rawValue)
    }

    /// The class of the failure.
    public var kind: Kind {
        switch cs_error_t(UInt32(bitPattern: code)) {
        case CS_ERR_TRY_AGAIN, CS_ERR_QUEUE_FULL, CS_ERR_BUSY: .tryAgain
        case CS_ERR_LIBRARY, CS_ERR_BAD_HANDLE, CS_ERR_INIT, CS_ERR_INTERRUPT: .disconnected
        case CS_ERR_ACCESS, CS_ERR_SECURITY: .denied
        case CS_ERR_NOT_EXIST, CS_ERR_NAME_NOT_FOUND: .notFound
        case CS_ERR_EXIST: .exists
        default: .other
        }
    }

    /// One line: the call, why it failed, and what to do where that is known.
    public var description: String {
        switch kind {
        case .disconnected: "\(operation): cannot reach corosync (error \(code)); is corosync running?"
        case .denied:
            "\(operation): corosync refuses this user (error \(code)); "
                + "permit it in /etc/corosync/uidgid.d/ or run as root"
        case .tryAgain: "\(operation): corosync is busy (error \(code))"
        default: "\(operation): corosync error \(code) (\(text))"
        }
    }

    private var text: String {
        guard let text = cs_strerror(cs_error_t(UInt32(bitPattern: code))) else {
            return "unknown"
        }
        return String(cString: text)
    }
}

/// Throws unless Corosync said `CS_OK`.
func check(_ operation: String, _ result: cs_error_t) throws(CorosyncError) {
    guard result == CS_OK else {
        throw CorosyncError(operation, result)
    }
}
