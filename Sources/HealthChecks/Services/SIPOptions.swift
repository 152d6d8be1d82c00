// SPDX-License-Identifier: Apache-2.0

/// An OPTIONS request to a SIP server (RFC 3261, 11).
public struct SIPOptions: Hashable, Sendable {
    /// The address that is asked for and asks, as `user@host`.
    public var login: String

    /// The name of this machine, for the Via header.
    public var host: String

    /// Describes a request.
    public init(login: String, host: String) {
        self.login = login
        self.host = host
    }
}
