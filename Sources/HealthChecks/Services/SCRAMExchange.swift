// SPDX-License-Identifier: Apache-2.0

/// The client's side of SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677).
///
/// Both sides prove that they know the password, neither shows it. Passwords are taken as they are: SASLprep, which
/// changes nothing in ASCII, is not applied.
struct SCRAMExchange {
    /// Rounds that a server may ask for: each costs a microsecond or less, and the usual number is 4096.
    static let roundLimit = 100_000

    private let password: String
    private let firstBare: String
    private let nonce: String
    private var expectedSignature: [UInt8]?

    /// The login is empty for PostgreSQL, which knows it already; the nonce is printable ASCII without commas that has
    /// never been used before.
    init(login: String, password: String, nonce: String) {
        self.password = password
        self.nonce = nonce
        let name = login.map { $0 == "," ? "=2C" : $0 == "=" ? "=3D" : String($0) }.joined()
        firstBare = "n=\(name),r=\(nonce)"
    }

    /// The first message.
    var first: [UInt8] { Array("n,,\(firstBare)".utf8) }

    /// The last message, which answers the server's first.
    mutating func final(answering message: [UInt8]) throws(ServiceFault) -> [UInt8] {
        let fault = ServiceFault("server sent a malformed SCRAM message")
        let parts = message.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        guard parts.count >= 3, parts[0].starts(with: "r=".utf8), parts[1].starts(with: "s=".utf8),
            parts[2].starts(with: "i=".utf8),
            let salt = Base64.decode(parts[1].dropFirst(2)), !salt.isEmpty,
            let rounds = Int(String(decoding: parts[2].dropFirst(2), as: UTF8.self)), rounds > 0
        else {
            throw fault
        }
        let bothNonces = parts[0].dropFirst(2)
        guard bothNonces.count > nonce.utf8.count, bothNonces.starts(with: nonce.utf8) else {
            throw ServiceFault("server answered another client's SCRAM message")
        }
        guard rounds <= Self.roundLimit else {
            throw ServiceFault("server asks for \(rounds) SCRAM rounds; at most \(Self.roundLimit) are made")
        }
        // "biws" is the header "n,," of the first message again.
        let withoutProof = Array("c=biws,r=".utf8) + bothNonces
        let comma = [UInt8(ascii: ",")]
        let signed = Array(firstBare.utf8) + comma + message + comma + withoutProof
        let sha = MessageDigest.sha256
        guard let salted = sha.stretched(Array(password.utf8), salt: salt, rounds: rounds),
            let clientKey = sha.hmac(key: salted, Array("Client Key".utf8)),
            let storedKey = sha.digest(clientKey), let clientSignature = sha.hmac(key: storedKey, signed),
            let serverKey = sha.hmac(key: salted, Array("Server Key".utf8)),
            let serverSignature = sha.hmac(key: serverKey, signed)
        else {
            throw ServiceFault("this system does not allow the digests that SCRAM-SHA-256 needs")
        }
        expectedSignature = serverSignature
        let proof = Base64.encode(zip(clientKey, clientSignature).map { $0 ^ $1 })
        return withoutProof + Array(",p=\(proof)".utf8)
    }

    /// Whether the server's last message proves that it knows the password too.
    func isProof(_ message: [UInt8]) -> Bool {
        let first = message.prefix { $0 != UInt8(ascii: ",") }
        guard let expectedSignature, first.starts(with: "v=".utf8) else {
            return false
        }
        return Base64.decode(first.dropFirst(2)) == expectedSignature
    }
}
