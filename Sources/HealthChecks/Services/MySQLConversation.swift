// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// Logs in to a MySQL or MariaDB server and runs the query of a ``MySQLLogin``: up when at least one row comes back.
///
/// A query that changes rows instead (UPDATE) counts those. The row itself is not read.
struct MySQLConversation: MessageListener {
    private typealias Capability = MySQLPacket.Capability

    private enum State {
        case greeting
        /// TLS is about to begin; then comes the answer to this greeting.
        case tls(MySQLPacket.Greeting, number: UInt8)
        case login
        /// The server's public key was asked for.
        case publicKey
        case query
        /// So many descriptions of columns come before the rows.
        case columns(left: UInt64)
        /// The packet between columns and rows, where the server sends it.
        case columnsEnd
        case rows
    }

    /// Bytes of a packet that is read as a whole.
    private static let packetLimit = 65536

    /// As many columns as a MySQL table can have.
    private static let columnLimit = 4096

    private let login: MySQLLogin
    private var state = State.greeting
    private var method = MySQLAuthentication.native
    private var challenge: [UInt8] = []
    private var withoutEOF = false
    private var switches = 0
    /// What the beginning of the rows told.
    private var outcome: CheckOutcome?
    var input = InputBuffer(limit: 16 * packetLimit)

    init(_ login: MySQLLogin) { self.login = login }

    /// A server that has not let us in expects nothing.
    var farewell: [UInt8] {
        switch state {
        case .greeting, .tls, .login, .publicKey: []
        case .query, .columns, .columnsEnd, .rows: MySQLPacket.framed([0x01], number: 0)
        }
    }

    func opening() -> [UInt8] { [] }

    mutating func secured() -> ConversationStep {
        guard case .tls(let greeting, let number) = state else {
            return .wait
        }
        do throws(ServiceFault) {
            return .send(MySQLPacket.framed(try answer(to: greeting), number: number))
        } catch {
            return .finish(.down(error.description))
        }
    }

    func end() -> ConversationStep { .finish(.down("server closed the connection before the end of the \(stage)")) }

    private var stage: String {
        switch state {
        case .greeting: "greeting"
        case .tls: "start of TLS"
        case .login, .publicKey: "login"
        case .query, .columns, .columnsEnd, .rows: "query"
        }
    }

    /// Tells the beginning of a row from the end of the rows; nil for an error, and when neither is there.
    private func firstRow() -> CheckOutcome? {
        var reader = ByteReader(input.available.prefix(5))
        guard let length = reader.readLittleEndian(3), length > 0, reader.skip(1),
            let first = reader.readBigEndian(UInt8.self), first != 0xff
        else {
            return nil
        }
        // A column of 16 MiB begins with 0xfe too.
        return first == 0xfe && length < (withoutEOF ? 0xff_ffff : 9) ? .down("query brought no row") : .up
    }

    /// The next packet; of the rows only the beginning of the first.
    mutating func nextMessage() throws(ServiceFault) -> (packet: ArraySlice<UInt8>, number: UInt8)? {
        if case .rows = state, let row = firstRow() {
            outcome = row
            return ([], 0)
        }
        var reader = ByteReader(input.available.prefix(4))
        guard let length = reader.readLittleEndian(3), let number = reader.readBigEndian(UInt8.self) else {
            return nil
        }
        let body = input.available.dropFirst(4)
        guard length <= Self.packetLimit else {
            if case .greeting = state {
                throw ServiceFault("server did not greet as a MySQL server")
            }
            throw ServiceFault("server sent a packet of \(length) bytes; at most \(Self.packetLimit) are read")
        }
        guard body.count >= length else {
            return nil
        }
        input.consume(4 + length)
        return (body.prefix(length), number)
    }

    mutating func accept(_ message: (packet: ArraySlice<UInt8>, number: UInt8)) throws(ServiceFault) -> ConversationStep
    {
        if let outcome {
            return .finish(outcome)
        }
        let (packet, number) = message
        if packet.first == 0xff {
            let error = MySQLPacket.refusal(packet, hiding: login.password)
            switch state {
            case .greeting, .tls: throw ServiceFault("server refuses connections: \(error)")
            case .login, .publicKey: throw ServiceFault("login refused: \(error)")
            case .query, .columns, .columnsEnd, .rows: throw ServiceFault("query refused: \(error)")
            }
        }
        switch state {
        case .greeting:
            let greeting = try MySQLPacket.Greeting(packet)
            return login.startsTLS
                ? try askForTLS(greeting, number &+ 1)
                : .send(MySQLPacket.framed(try answer(to: greeting), number: number &+ 1))
        case .tls:
            throw ServiceFault("server sent data before TLS stood")
        case .login:
            return try acceptInLogin(packet, number)
        case .publicKey:
            guard packet.first == 0x01,
                let sealed = MySQLAuthentication.sealed(
                    login.password,
                    challenge: challenge,
                    publicKey: Array(packet.dropFirst())
                )
            else {
                throw ServiceFault("server did not send a usable RSA key for the password")
            }
            state = .login
            return .send(MySQLPacket.framed(sealed, number: number &+ 1))
        case .query:
            return try acceptQueryAnswer(packet)
        case .columns(let left):
            if left > 1 {
                state = .columns(left: left - 1)
            } else {
                state = withoutEOF ? .rows : .columnsEnd
            }
            return .wait
        case .columnsEnd:
            guard packet.first == 0xfe else {
                throw ServiceFault("server sent a malformed answer to the query")
            }
            state = .rows
            return .wait
        case .rows:
            throw ServiceFault("server sent a malformed answer to the query")
        }
    }

    /// The beginning of an answer to the greeting; the whole one follows over TLS ("SSLRequest").
    private mutating func askForTLS(_ greeting: MySQLPacket.Greeting, _ number: UInt8) throws(ServiceFault)
        -> ConversationStep
    {
        guard greeting.capabilities & Capability.tls != 0 else {
            throw ServiceFault("server does not offer TLS")
        }
        guard input.available.isEmpty else {
            throw ServiceFault("server sent data before TLS stood")
        }
        var writer = ByteWriter()
        writeHead(capabilities(for: greeting), to: &writer)
        state = .tls(greeting, number: number &+ 1)
        return .sendAndStartTLS(MySQLPacket.framed(writer.bytes, number: number))
    }

    private func capabilities(for greeting: MySQLPacket.Greeting) -> UInt32 {
        var capabilities =
            Capability.longPassword | Capability.protocol41 | Capability.transactions | Capability.secureConnection
        capabilities |= greeting.capabilities & (Capability.namedMethods | Capability.withoutEOF)
        if !login.database.isEmpty {
            capabilities |= Capability.withDatabase
        }
        return login.startsTLS ? capabilities | Capability.tls : capabilities
    }

    private func writeHead(_ capabilities: UInt32, to writer: inout ByteWriter) {
        writer.writeBigEndian(capabilities.byteSwapped)
        writer.writeBigEndian((1 << 24 as UInt32).byteSwapped)
        // utf8_general_ci, which every version knows.
        writer.write([33])
        writer.writeZeros(23)
    }

    private mutating func answer(to greeting: MySQLPacket.Greeting) throws(ServiceFault) -> [UInt8] {
        // Where the server prefers something else it will ask to switch, or say that it cannot.
        method = MySQLAuthentication(rawValue: greeting.method) ?? .native
        challenge = greeting.challenge
        let capabilities = capabilities(for: greeting)
        withoutEOF = capabilities & Capability.withoutEOF != 0
        let proof = try proof()
        var writer = ByteWriter()
        writeHead(capabilities, to: &writer)
        writer.write(Self.terminated(login.login))
        writer.write([UInt8(proof.count)] + proof)
        if !login.database.isEmpty {
            writer.write(Self.terminated(login.database))
        }
        if capabilities & Capability.namedMethods != 0 {
            writer.write(Self.terminated(method.rawValue))
        }
        state = .login
        return writer.bytes
    }

    private mutating func acceptInLogin(_ packet: ArraySlice<UInt8>, _ number: UInt8) throws(ServiceFault)
        -> ConversationStep
    {
        switch packet.first {
        case 0x00:
            state = .query
            guard !login.query.isEmpty else {
                return .finish(.up)
            }
            return .send(MySQLPacket.framed([0x03] + login.query.utf8, number: 0))
        case 0xfe:
            var reader = ByteReader(packet.dropFirst())
            guard let name = reader.readTerminated(limit: 64), let data = reader.read(reader.remaining) else {
                throw ServiceFault("server asks for passwords as before MySQL 4.1, which is not supported")
            }
            let text = String(decoding: name, as: UTF8.self)
            guard let asked = MySQLAuthentication(rawValue: text) else {
                throw ServiceFault(
                    "server asks for the authentication \(quoted(name, hiding: login.password)), which is not supported"
                )
            }
            switches += 1
            guard switches == 1, data.count >= 20 else {
                throw ServiceFault("server sent a malformed change of the authentication")
            }
            method = asked
            challenge = Array(data.prefix(20))
            return .send(MySQLPacket.framed(try proof(), number: number &+ 1))
        case 0x01 where method == .cachingSHA2 && packet.count == 2 && packet.last == 0x03:
            // The server knew the password; OK follows.
            return .wait
        case 0x01 where method == .cachingSHA2 && packet.count == 2 && packet.last == 0x04:
            // It has not seen this user since it started, and wants the password itself.
            guard !login.startsTLS else {
                return .send(MySQLPacket.framed(Self.terminated(login.password), number: number &+ 1))
            }
            state = .publicKey
            return .send(MySQLPacket.framed([0x02], number: number &+ 1))
        default:
            throw ServiceFault("server sent a malformed answer to the login")
        }
    }

    private mutating func acceptQueryAnswer(_ packet: ArraySlice<UInt8>) throws(ServiceFault) -> ConversationStep {
        var reader = ByteReader(packet)
        switch packet.first {
        case 0x00:
            guard reader.skip(1), let changed = reader.readLengthEncoded() else {
                throw ServiceFault("server sent a malformed answer to the query")
            }
            return .finish(changed > 0 ? .up : .down("query brought no row"))
        case 0xfb:
            throw ServiceFault("query asks for a local file")
        default:
            guard let columns = reader.readLengthEncoded(), (1...UInt64(Self.columnLimit)).contains(columns) else {
                throw ServiceFault("server sent a malformed answer to the query")
            }
            state = .columns(left: columns)
            return .wait
        }
    }

    private func proof() throws(ServiceFault) -> [UInt8] {
        guard let proof = method.proof(of: login.password, challenge: challenge) else {
            throw ServiceFault("this system does not allow the digest that \(method.rawValue) needs")
        }
        return proof
    }

    private static func terminated(_ text: String) -> [UInt8] { text.utf8.prefix { $0 != 0 } + [0] }
}
