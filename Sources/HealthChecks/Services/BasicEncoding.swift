// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// The part of the Basic Encoding Rules that LDAP uses (X.690; RFC 4511 5.1: definite lengths, one-byte tags).
enum BasicEncoding {
    static let boolean: UInt8 = 0x01
    static let integer: UInt8 = 0x02
    static let octetString: UInt8 = 0x04
    static let enumerated: UInt8 = 0x0a
    static let sequence: UInt8 = 0x30

    /// One element: its tag and what is in it.
    struct Element: Equatable {
        let tag: UInt8
        let content: [UInt8]
    }

    /// An element with its length in the shortest form.
    static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        let length = withUnsafeBytes(of: UInt64(content.count).bigEndian) { Array($0.drop { $0 == 0 }) }
        if content.count < 0x80 {
            return [tag, UInt8(content.count)] + content
        }
        return [tag, 0x80 | UInt8(length.count)] + length + content
    }

    /// An element that contains others.
    static func element(_ tag: UInt8, _ parts: [[UInt8]]) -> [UInt8] { element(tag, parts.flatMap(\.self)) }

    /// A number that is not negative.
    static func number(_ tag: UInt8, _ value: UInt32) -> [UInt8] {
        let bytes = withUnsafeBytes(of: value.bigEndian, Array.init)
        let short = Array(bytes.dropLast().drop { $0 == 0 }) + bytes.suffix(1)
        // A leading one would be the sign.
        return element(tag, short[0] & 0x80 == 0 ? short : [0] + short)
    }

    /// The value of a number; nil when it is negative or does not fit.
    static func value(_ content: some Collection<UInt8>) -> UInt32? {
        guard let first = content.first, first & 0x80 == 0, content.count <= 5, content.count < 5 || first == 0 else {
            return nil
        }
        return content.reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Bytes of the element at the front of a stream, tag and length included; nil when more is needed to know.
    ///
    /// - Throws: When its length is indefinite or above the limit.
    static func frame(_ stream: ArraySlice<UInt8>, limit: Int) throws(ServiceFault) -> Int? {
        var reader = ByteReader(stream.prefix(6))
        guard reader.skip(1), let first = reader.readBigEndian(UInt8.self) else {
            return nil
        }
        var length = Int(first)
        var head = 2
        if first >= 0x80 {
            guard (0x81...0x84).contains(first) else {
                throw ServiceFault("server sent a malformed message")
            }
            let count = Int(first & 0x7f)
            guard let bytes = reader.read(count) else {
                return nil
            }
            head += count
            length = bytes.reduce(0) { $0 << 8 | Int($1) }
        }
        guard length <= limit - head else {
            throw ServiceFault("server sent a message of \(length) bytes; at most \(limit) are read")
        }
        return head + length
    }

    /// Takes an element from the front; nil when the bytes do not hold a whole one.
    ///
    /// Nothing is unpacked by itself: how deep a message is read is up to the caller.
    static func next(_ reader: inout ByteReader) -> Element? {
        guard let tag = reader.readBigEndian(UInt8.self), let first = reader.readBigEndian(UInt8.self) else {
            return nil
        }
        var length = Int(first)
        if first >= 0x80 {
            guard (0x81...0x84).contains(first), let bytes = reader.read(Int(first & 0x7f)) else {
                return nil
            }
            length = bytes.reduce(0) { $0 << 8 | Int($1) }
        }
        return reader.read(length).map { Element(tag: tag, content: Array($0)) }
    }
}
