// SPDX-License-Identifier: Apache-2.0
import CGcrypt
import Glibc

/// A shared secret of the directors for one purpose and what is computed with it (HMAC-SHA-256, RFC 2104, by libgcrypt).
public struct ProbeKey: Sendable {
    /// The 32 bytes of the key.
    private let bytes: [UInt8]

    /// Distinguishes keys on the wire; it tells nothing about the key.
    public let id: UInt8

    /// Length of the authentication that a probe carries.
    public static let tagLength = 16

    /// Derives a key from a secret of any length: HKDF-SHA-256 (RFC 5869), so that the secret itself, which Corosync uses
    /// too, never authenticates anything here.
    ///
    /// - Parameters:
    ///   - secret: What the directors share.
    ///   - purpose: Keys for different purposes have nothing in common.
    public init(secret: some Collection<UInt8>, purpose: String = "vervet heartbeat") {
        // Also initialises the library; the version is of no interest.
        _ = gcry_check_version(nil)
        let pseudorandom = Self.hmac(key: Array(purpose.utf8), Array(secret))
        bytes = Self.hmac(key: pseudorandom, Array("probe key 1".utf8) + [1])
        id = Self.hmac(key: pseudorandom, Array("probe key id".utf8) + [1])[0]
    }

    /// The authentication of a probe's first bytes.
    public func tag(_ message: [UInt8]) -> [UInt8] {
        Array(Self.hmac(key: bytes, message).prefix(Self.tagLength))
    }

    /// Whether `tag` is the authentication of `message`; takes the same time wherever they differ.
    public func authenticates(_ message: [UInt8], tag: some Sequence<UInt8>) -> Bool {
        Self.isSame(self.tag(message), Array(tag))
    }

    /// Takes the same time wherever they differ.
    static func isSame(_ tag: [UInt8], _ candidate: [UInt8]) -> Bool {
        candidate.count == tagLength && zip(tag, candidate).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// A context of libgcrypt with this key, to be closed by the caller; nil when the library has none.
    func makeContext() -> gcry_mac_hd_t? {
        var context: gcry_mac_hd_t?
        guard gcry_mac_open(&context, CInt(GCRY_MAC_HMAC_SHA256.rawValue), 0, nil) == 0, let context else {
            return nil
        }
        guard gcry_mac_setkey(context, bytes, bytes.count) == 0 else {
            gcry_mac_close(context)
            return nil
        }
        return context
    }

    /// HMAC-SHA-256 of `message`.
    static func hmac(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        key.withUnsafeBytes { key in
            message.withUnsafeBytes { message in
                var buffers = [gcry_buffer_t(), gcry_buffer_t()]
                for (index, bytes) in [key, message].enumerated() {
                    buffers[index].data = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
                    buffers[index].len = bytes.count
                }
                let flags = UInt32(GCRY_MD_FLAG_HMAC.rawValue)
                let status = gcry_md_hash_buffers(CInt(GCRY_MD_SHA256.rawValue), flags, &digest, buffers, 2)
                if status != 0 {
                    // Only a crippled library comes here; random bytes match nothing, a constant would match a peer's.
                    digest = digest.map { _ in UInt8.random(in: 0...255) }
                }
            }
        }
        return digest
    }
}

/// A key made ready for one probe after the other; it belongs to one thread.
final class ProbeAuthenticator {
    private let key: ProbeKey
    private let context: gcry_mac_hd_t?
    private var digest = [UInt8](repeating: 0, count: 32)

    init(_ key: ProbeKey) {
        self.key = key
        context = key.makeContext()
    }

    deinit { gcry_mac_close(context) }

    /// Which key it is.
    var id: UInt8 { key.id }

    /// ``ProbeKey/tag(_:)``.
    func tag(_ message: [UInt8]) -> [UInt8] {
        var length = digest.count
        guard let context, gcry_mac_ctl(context, CInt(GCRYCTL_RESET.rawValue), nil, 0) == 0,
            gcry_mac_write(context, message, message.count) == 0,
            gcry_mac_read(context, &digest, &length) == 0
        else {
            return key.tag(message)
        }
        return Array(digest.prefix(ProbeKey.tagLength))
    }

    /// ``ProbeKey/authenticates(_:tag:)``.
    func authenticates(_ message: [UInt8], tag: some Sequence<UInt8>) -> Bool {
        ProbeKey.isSame(self.tag(message), Array(tag))
    }
}
