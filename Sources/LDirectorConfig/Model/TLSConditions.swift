// SPDX-License-Identifier: Apache-2.0

/// How checks speak TLS where they do.
public struct TLSConditions: Sendable, Hashable {
    /// TLS begins inside a plain connection, by the service's own command (`starttls`).
    public var startsInside = false

    /// What of the server's certificate is judged (`tlsverify`).
    public var verification = TLSVerification.none

    /// Path of the trusted authorities, PEM (`tlscafile`); nil for the system's.
    public var authorities: String?

    /// Path of a client certificate, PEM (`tlscert`).
    public var certificate: String?

    /// Path of its key, PEM (`tlskey`); nil when the certificate's file has it too.
    public var key: String?

    /// The name asked for and expected (`tlsname`); nil uses virtualhost.
    public var serverName: String?

    /// The conditions of a block that says nothing.
    public init() {}
}

/// What of a server's certificate is judged.
public enum TLSVerification: String, Sendable, Hashable, CaseIterable {
    /// Nothing: the question is whether the service works.
    case none
    /// It must come from a trusted authority and be valid now.
    case chain
    /// That, and it must carry the server's name.
    case host
}
