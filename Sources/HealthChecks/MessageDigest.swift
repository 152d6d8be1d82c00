// SPDX-License-Identifier: Apache-2.0
import COpenSSL

/// The digests with which servers' protocols hide passwords and prove answers (RFC 1321, FIPS 180-4, RFC 2104).
enum MessageDigest {
    case md5
    case sha1
    case sha256

    /// Bytes of a digest.
    var length: Int {
        switch self {
        case .md5: 16
        case .sha1: 20
        case .sha256: 32
        }
    }

    /// The digest of a message; nil when the library's policy forbids the algorithm (MD5 under FIPS).
    func digest(_ message: [UInt8]) -> [UInt8]? {
        var digest = [UInt8](repeating: 0, count: length)
        var written: UInt32 = 0
        let status = EVP_Digest(message, message.count, &digest, &written, algorithm, nil)
        return status == 1 && Int(written) == length ? digest : nil
    }

    /// The keyed digest of a message; nil as for ``digest(_:)``.
    func hmac(key: [UInt8], _ message: [UInt8]) -> [UInt8]? {
        var digest = [UInt8](repeating: 0, count: length)
        var written: UInt32 = 0
        let result = HMAC(algorithm, key, CInt(key.count), message, message.count, &digest, &written)
        return result != nil && Int(written) == length ? digest : nil
    }

    /// A key stretched from a password (PBKDF2, RFC 8018); nil as for ``digest(_:)``.
    ///
    /// - Parameters:
    ///   - password: What is stretched.
    ///   - salt: The server's salt.
    ///   - rounds: Bounded by the caller: a hostile server names the number, and each round costs a microsecond.
    /// - Returns: As many bytes as a digest has.
    func stretched(_ password: [UInt8], salt: [UInt8], rounds: Int) -> [UInt8]? {
        guard rounds > 0, let rounds = CInt(exactly: rounds) else {
            return nil
        }
        var key = [UInt8](repeating: 0, count: length)
        let characters = password.map { CChar(bitPattern: $0) }
        let sizes = (CInt(characters.count), CInt(salt.count), CInt(key.count))
        let status = PKCS5_PBKDF2_HMAC(characters, sizes.0, salt, sizes.1, rounds, algorithm, sizes.2, &key)
        return status == 1 ? key : nil
    }

    /// Bytes that nobody can guess; nil when the system has none.
    static func random(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        return RAND_bytes(&bytes, CInt(count)) == 1 ? bytes : nil
    }

    private var algorithm: OpaquePointer? {
        switch self {
        case .md5: EVP_md5()
        case .sha1: EVP_sha1()
        case .sha256: EVP_sha256()
        }
    }
}
