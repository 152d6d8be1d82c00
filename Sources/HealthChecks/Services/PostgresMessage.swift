// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// Messages of PostgreSQL's protocol 3.0 (PostgreSQL documentation, "Frontend/Backend Protocol").
enum PostgresMessage {
    /// Asks for TLS; the server answers with one byte.
    static var tlsRequest: [UInt8] { untyped([0x04, 0xd2, 0x16, 0x2f]) }

    /// The first message of a connection.
    static func startup(_ login: PostgresLogin) -> [UInt8] {
        var parameters = [("user", login.login), ("application_name", "ldirectord")]
        if !login.database.isEmpty {
            parameters.append(("database", login.database))
        }
        return untyped([0, 3, 0, 0] + parameters.flatMap { terminated($0.0) + terminated($0.1) } + [0])
    }

    /// A message with a type.
    static func message(_ type: Character, _ body: [UInt8]) -> [UInt8] {
        (type.asciiValue.map { [$0] } ?? []) + untyped(body)
    }

    /// A password, or its digest.
    static func password(_ text: String) -> [UInt8] { message("p", terminated(text)) }

    /// A query in the simple protocol.
    static func query(_ text: String) -> [UInt8] { message("Q", terminated(text)) }

    /// The good-bye.
    static var terminate: [UInt8] { message("X", []) }

    /// The first message of a SASL exchange.
    static func saslStart(_ mechanism: String, _ data: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(terminated(mechanism))
        writer.writeBigEndian(UInt32(data.count))
        writer.write(data)
        return message("p", writer.bytes)
    }

    /// Severity, code and text of an error, the password taken out.
    static func refusal(_ body: ArraySlice<UInt8>, hiding password: String) -> String {
        var fields: [UInt8: [UInt8]] = [:]
        var reader = ByteReader(body)
        // At most one field of each kind is kept, however many the message has.
        while let kind = reader.readBigEndian(UInt8.self), kind != 0, let text = reader.readTerminated(limit: 4096) {
            fields[kind] = text
        }
        let words = ["S", "C"].compactMap { $0.utf8.first.flatMap { fields[$0] } }.map {
            printable($0, hiding: password)
        }
        return (words + [quoted(fields[UInt8(ascii: "M")] ?? [], hiding: password)]).joined(separator: " ")
    }

    /// How many rows a command tag tells of: the number at the end of "SELECT 5" or "INSERT 0 1".
    static func rows(inTag body: ArraySlice<UInt8>) -> Int {
        let tag = body.prefix { $0 != 0 }
        return tag.split(separator: UInt8(ascii: " ")).last.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
    }

    private static func terminated(_ text: String) -> [UInt8] { text.utf8.prefix { $0 != 0 } + [0] }

    private static func untyped(_ body: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.writeBigEndian(UInt32(truncatingIfNeeded: body.count + 4))
        writer.write(body)
        return writer.bytes
    }
}
