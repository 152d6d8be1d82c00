// SPDX-License-Identifier: Apache-2.0
import COpenSSL

/// The ways in which MySQL and MariaDB servers let a password be proved.
enum MySQLAuthentication: String {
    /// SHA-1 of the password, mixed with the server's challenge.
    case native = "mysql_native_password"
    /// The same with SHA-256; the password itself where the server has not seen the user since it started.
    case cachingSHA2 = "caching_sha2_password"

    /// What proves the password; nil when the system does not allow the digest.
    func proof(of password: String, challenge: [UInt8]) -> [UInt8]? {
        guard !password.isEmpty else {
            return []
        }
        let digest: MessageDigest = self == .native ? .sha1 : .sha256
        guard let once = digest.digest(Array(password.utf8)), let twice = digest.digest(once),
            let mask = digest.digest(self == .native ? challenge + twice : twice + challenge)
        else {
            return nil
        }
        return zip(once, mask).map { $0 ^ $1 }
    }

    /// The password for a server's public RSA key (PEM), so that only this server can read it; nil when it is no such
    /// key or too short.
    static func sealed(_ password: String, challenge: [UInt8], publicKey: [UInt8]) -> [UInt8]? {
        guard !challenge.isEmpty, let length = CInt(exactly: publicKey.count) else {
            return nil
        }
        let clear = (Array(password.utf8) + [0]).enumerated().map { $1 ^ challenge[$0 % challenge.count] }
        guard let source = BIO_new_mem_buf(publicKey, length) else {
            return nil
        }
        defer { BIO_free(source) }
        // The reason of a failure would stay in the thread's queue and be taken for one of a TLS connection.
        defer { ERR_clear_error() }
        guard let key = PEM_read_bio_PUBKEY(source, nil, nil, nil) else {
            return nil
        }
        defer { EVP_PKEY_free(key) }
        guard EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA, EVP_PKEY_get_bits(key) <= 8192,
            let context = EVP_PKEY_CTX_new(key, nil)
        else {
            return nil
        }
        defer { EVP_PKEY_CTX_free(context) }
        var sealed = [UInt8](repeating: 0, count: Int(EVP_PKEY_get_size(key)))
        var count = sealed.count
        guard EVP_PKEY_encrypt_init(context) == 1,
            EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1,
            EVP_PKEY_encrypt(context, &sealed, &count, clear, clear.count) == 1
        else {
            return nil
        }
        return Array(sealed.prefix(count))
    }
}
