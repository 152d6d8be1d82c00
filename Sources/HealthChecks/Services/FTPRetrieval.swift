// SPDX-License-Identifier: Apache-2.0

/// A login to an FTP server and, when a file is named, its transfer (RFC 959, RFC 2428).
public struct FTPRetrieval: Hashable, Sendable {
    /// The user.
    public var login: String

    /// The user's password; never part of a reason.
    public var password: String

    /// The file; nil when the login alone decides.
    public var path: String?

    /// What the file must contain; nil when the transfer must just succeed.
    public var receive: Pattern?

    /// What the file must not contain.
    public var receiveNot: Pattern?

    /// Whether TLS is started before the login, and the file is sent over TLS as well (RFC 4217).
    public var startsTLS: Bool

    /// Describes a retrieval.
    public init(
        login: String,
        password: String,
        path: String?,
        receive: Pattern?,
        receiveNot: Pattern? = nil,
        startsTLS: Bool = false
    ) {
        self.login = login
        self.password = password
        self.path = path
        self.receive = receive
        self.receiveNot = receiveNot
        self.startsTLS = startsTLS
    }
}
