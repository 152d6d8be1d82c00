// SPDX-License-Identifier: Apache-2.0

/// A login that a RADIUS server is asked to accept (RFC 2865).
public struct RadiusLogin: Hashable, Sendable {
    /// The user's name, 1 to 253 bytes.
    public let login: String

    /// The user's password, at most 128 bytes.
    public let password: String

    /// What client and server share to prove themselves.
    public let secret: String

    /// What the client calls itself (NAS-Identifier), 1 to 253 bytes.
    public let clientName: String

    /// Describes a login.
    ///
    /// - Throws: When a part does not have the length that the protocol asks for, or the system does not allow MD5,
    ///   without which there is no RADIUS over UDP.
    public init(
        login: String,
        password: String,
        secret: String,
        clientName: String = "ldirectord"
    ) throws(ServiceFault) {
        guard (1...253).contains(login.utf8.count) else {
            throw ServiceFault("a RADIUS login has 1 to 253 bytes, not \(login.utf8.count)")
        }
        guard password.utf8.count <= 128 else {
            throw ServiceFault("a RADIUS password has at most 128 bytes, not \(password.utf8.count)")
        }
        guard !secret.isEmpty else {
            throw ServiceFault("RADIUS needs a secret")
        }
        guard (1...253).contains(clientName.utf8.count) else {
            throw ServiceFault("the name of a RADIUS client has 1 to 253 bytes, not \(clientName.utf8.count)")
        }
        guard MessageDigest.md5.digest([]) != nil else {
            throw ServiceFault("this system does not allow MD5, which RADIUS needs")
        }
        self.login = login
        self.password = password
        self.secret = secret
        self.clientName = clientName
    }
}
