// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// What a check reads of MySQL's client/server protocol: packets, greeting, refusals ("MySQL Source Code
/// Documentation", Client/Server Protocol; MariaDB Knowledge Base, Clientserver Protocol).
enum MySQLPacket {
    /// The first packet of a server, protocol version 10.
    struct Greeting: Equatable {
        let version: [UInt8]
        let capabilities: UInt32
        /// 20 bytes that a password is scrambled with.
        let challenge: [UInt8]
        /// The authentication that the server prefers.
        let method: String

        init(_ packet: ArraySlice<UInt8>) throws(ServiceFault) {
            let fault = ServiceFault("server did not greet as a MySQL server")
            var reader = ByteReader(packet)
            guard let protocolVersion = reader.readBigEndian(UInt8.self) else {
                throw fault
            }
            guard protocolVersion == 10 else {
                throw ServiceFault("server greets with protocol version \(protocolVersion); only 10 is known")
            }
            guard let version = reader.readTerminated(limit: 256), reader.skip(4), let first = reader.read(8),
                reader.skip(1), let low = reader.readLittleEndian(2)
            else {
                throw fault
            }
            guard reader.skip(3), let high = reader.readLittleEndian(2), reader.skip(11) else {
                throw ServiceFault("server greets as a MySQL server before 4.1, which is not supported")
            }
            capabilities = UInt32(truncatingIfNeeded: high << 16 | low)
            guard capabilities & Capability.protocol41 != 0, capabilities & Capability.secureConnection != 0,
                let second = reader.read(12)
            else {
                throw ServiceFault("server greets as a MySQL server before 4.1, which is not supported")
            }
            // One byte that is no part of it; after that the name, whose final NUL some servers forget.
            _ = reader.skip(1)
            let name: [UInt8] = (reader.read(reader.remaining) ?? []).prefix { $0 != 0 }.map(\.self)
            self.version = version
            challenge = Array(first + second)
            method =
                capabilities & Capability.namedMethods != 0 && !name.isEmpty
                ? String(decoding: name.prefix(64), as: UTF8.self) : "mysql_native_password"
        }
    }

    /// Capability flags.
    enum Capability {
        static let longPassword: UInt32 = 1
        static let withDatabase: UInt32 = 1 << 3
        static let protocol41: UInt32 = 1 << 9
        static let tls: UInt32 = 1 << 11
        static let transactions: UInt32 = 1 << 13
        static let secureConnection: UInt32 = 1 << 15
        static let namedMethods: UInt32 = 1 << 19
        static let withoutEOF: UInt32 = 1 << 24
    }

    /// Number, state and text of an error packet, the password taken out.
    static func refusal(_ packet: ArraySlice<UInt8>, hiding password: String) -> String {
        var reader = ByteReader(packet.dropFirst())
        guard let number = reader.readLittleEndian(2) else {
            return "an error without a number"
        }
        var text = reader.read(reader.remaining) ?? []
        if text.first == UInt8(ascii: "#") {
            text = text.dropFirst(6)
        }
        return "error \(number) \(quoted(text, hiding: password))"
    }

    /// A packet with its header.
    static func framed(_ payload: [UInt8], number: UInt8) -> [UInt8] {
        // Three bytes of length: what a check sends is far below.
        let length = UInt32(truncatingIfNeeded: payload.count)
        return (0..<3).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) } + [number] + payload
    }
}

extension ByteReader {
    /// The next integer of up to 7 bytes, lowest byte first.
    mutating func readLittleEndian(_ count: Int) -> Int? {
        guard count <= 7, let run = read(count) else {
            return nil
        }
        return run.reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    /// The bytes before the next NUL, which is passed over; nil when there is none within the limit.
    mutating func readTerminated(limit: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count <= limit, let byte = readBigEndian(UInt8.self) {
            guard byte != 0 else {
                return bytes
            }
            bytes.append(byte)
        }
        return nil
    }

    /// The next length-encoded integer of MySQL; nil when cut, or when it is no integer.
    mutating func readLengthEncoded() -> UInt64? {
        guard let first = readBigEndian(UInt8.self) else {
            return nil
        }
        switch first {
        case 0xfc: return readLittleEndian(2).map(UInt64.init)
        case 0xfd: return readLittleEndian(3).map(UInt64.init)
        case 0xfe: return readBigEndian(UInt64.self)?.byteSwapped
        case 0xfb, 0xff: return nil
        default: return UInt64(first)
        }
    }
}
