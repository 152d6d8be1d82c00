// SPDX-License-Identifier: Apache-2.0

/// What a POP3 server is asked: its greeting, and a login when one is given (RFC 1939).
public struct POPLogin: Hashable, Sendable {
    /// The mailbox; empty for no login.
    public var login: String

    /// Its password; never part of a reason.
    public var password: String

    /// Joins both.
    public init(login: String, password: String) {
        self.login = login
        self.password = password
    }
}
