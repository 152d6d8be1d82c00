// SPDX-License-Identifier: Apache-2.0
import CGcrypt

/// The SHA-256 of a file's bytes (FIPS 180-4, by libgcrypt).
public struct ContentDigest: Hashable, Sendable, CustomStringConvertible {
    /// Length in bytes.
    public static let length = 32

    /// Initialises the library once: two threads at once would make it abort.
    private static let isReady = gcry_check_version(nil) != nil

    /// The 32 bytes.
    public let bytes: [UInt8]

    /// Computes the digest of bytes.
    public init(of content: [UInt8]) {
        precondition(Self.isReady, "libgcrypt is older than its own header")
        var digest = [UInt8](repeating: 0, count: Self.length)
        content.withUnsafeBytes {
            gcry_md_hash_buffer(CInt(GCRY_MD_SHA256.rawValue), &digest, $0.baseAddress, $0.count)
        }
        bytes = digest
    }

    /// Takes a digest as it was stored; nil unless it has 32 bytes.
    public init?(_ bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
        guard self.bytes.count == Self.length else {
            return nil
        }
    }

    /// All 64 hexadecimal digits, as sha256sum(1) prints them.
    public var description: String { Hexadecimal.text(of: bytes) }

    /// The first eight digits, for people.
    public var short: String { Hexadecimal.text(of: bytes.prefix(4)) }
}
