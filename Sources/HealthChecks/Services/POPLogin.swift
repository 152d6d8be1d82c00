// SPDX-License-Identifier: Apache-2.0

/// What a POP3 server is asked: its greeting, and a login when one is given (RFC 1939).
public struct POPLogin: Hashable, Sendable {
    /// The mailbox; empty for no login.
    public var login: String

    /// Its password; never part of a reason.
    public var password: String

    /// Whether TLS is started after the greeting (STLS, RFC 2595); not for pops, where TLS comes first.
    public var startsTLS: Bool

    /// Describes a login.
    public init(login: String, password: String, startsTLS: Bool = false) {
        self.login = login
        self.password = password
        self.startsTLS = startsTLS
    }
}
