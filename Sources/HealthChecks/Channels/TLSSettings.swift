// SPDX-License-Identifier: Apache-2.0

/// How a check speaks TLS with a server.
public struct TLSSettings: Hashable, Sendable {
    /// Whether the server's certificate is judged.
    public enum Verification: Hashable, Sendable {
        /// Any certificate will do: a health check asks whether the service works, not who gives it.
        case none
        /// The chain must lead to one of the system's authorities, or to one in the file, whatever the name is.
        case chain(authorities: String?)
        /// The chain must lead to one of the system's authorities, or to one in the file, and the name must fit.
        case full(authorities: String?)
    }

    /// The name sent as SNI and, when certificates are judged, the name that they must carry; nil or a literal address
    /// sends none (RFC 6066, 3).
    public var serverName: String?

    /// Whether the certificate is judged.
    public var verification: Verification

    /// Paths of a PEM certificate chain and its key that are shown to the server when it asks.
    public var identity: Identity?

    /// A client certificate.
    public struct Identity: Hashable, Sendable {
        /// Path of the certificate and the chain above it, PEM.
        public var certificate: String
        /// Path of the key, PEM.
        public var key: String

        /// Joins both.
        public init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    /// Describes a use of TLS.
    public init(serverName: String? = nil, verification: Verification = .none, identity: Identity? = nil) {
        self.serverName = serverName
        self.verification = verification
        self.identity = identity
    }
}
