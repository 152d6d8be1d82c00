// SPDX-License-Identifier: Apache-2.0

/// A search for one entry of a directory (RFC 4511): bind, then read the entry with a given name.
public struct LDAPSearch: Hashable, Sendable {
    /// Name of the entry; empty for the root of the server itself.
    public var base: String

    /// Who binds; anonymous unless both this and the password are set.
    public var login: String

    /// The password for a simple bind.
    public var password: String

    /// What the name of the entry, as the server writes it, must contain; nil when its presence is enough.
    public var receive: Pattern?

    /// What the name of the entry must not contain; nil forbids nothing.
    public var receiveNot: Pattern?

    /// Whether TLS is started in the connection before the bind (RFC 4511 4.14); not for ldaps, where TLS comes first.
    public var startsTLS: Bool

    /// Describes a search.
    public init(
        base: String,
        login: String = "",
        password: String = "",
        receive: Pattern?,
        receiveNot: Pattern? = nil,
        startsTLS: Bool = false
    ) {
        self.base = base
        self.login = login
        self.password = password
        self.receive = receive
        self.receiveNot = receiveNot
        self.startsTLS = startsTLS
    }
}
