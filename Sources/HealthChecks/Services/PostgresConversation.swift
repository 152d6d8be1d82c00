// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// Logs in to a PostgreSQL server and runs the query of a ``PostgresLogin``: up when at least one row comes back.
///
/// A query that changes rows instead (UPDATE) counts those. The row itself is not read.
struct PostgresConversation: MessageListener {
    private enum State {
        case tlsAnswer
        case login
        case saslFirst(SCRAMExchange)
        case saslFinal(SCRAMExchange)
        /// The server proved itself too; nothing may be asked for again.
        case proved
        case authenticated
        case query
    }

    /// Bytes of a message that is read as a whole.
    private static let messageLimit = 65536

    private let login: PostgresLogin
    private let nonce: String
    private var state: State
    var input = InputBuffer(limit: 16 * messageLimit)

    /// The generator gives the client's part of the SCRAM exchange.
    init(_ login: PostgresLogin, using generator: inout some RandomNumberGenerator) {
        self.login = login
        state = login.startsTLS ? .tlsAnswer : .login
        var random: [UInt8] = []
        for _ in 0..<18 { random.append(UInt8.random(in: .min ... .max, using: &generator)) }
        nonce = Base64.encode(random)
    }

    /// As above, with numbers of the system.
    init(_ login: PostgresLogin) {
        var generator = SystemRandomNumberGenerator()
        self.init(login, using: &generator)
    }

    /// A server that has not let us in expects nothing.
    var farewell: [UInt8] {
        switch state {
        case .authenticated, .query: PostgresMessage.terminate
        case .tlsAnswer, .login, .saslFirst, .saslFinal, .proved: []
        }
    }

    func opening() -> [UInt8] { login.startsTLS ? PostgresMessage.tlsRequest : PostgresMessage.startup(login) }

    mutating func secured() -> ConversationStep {
        state = .login
        return .send(PostgresMessage.startup(login))
    }

    func end() -> ConversationStep { .finish(.down("server closed the connection before the end of the \(stage)")) }

    private var stage: String {
        switch state {
        case .tlsAnswer: "start of TLS"
        case .login, .saslFirst, .saslFinal, .proved, .authenticated: "login"
        case .query: "query"
        }
    }

    private func acceptTLSAnswer(_ answer: UInt8) throws(ServiceFault) -> ConversationStep {
        switch answer {
        case UInt8(ascii: "S"):
            // More than this byte would have been put there by somebody who wants it to be taken as sent over TLS.
            guard input.available.isEmpty else {
                throw ServiceFault("server sent data before TLS stood")
            }
            return .startTLS
        case UInt8(ascii: "N"): throw ServiceFault("server does not offer TLS")
        case UInt8(ascii: "E"): throw ServiceFault("server refused to start TLS")
        default: throw ServiceFault("server did not answer as a PostgreSQL server")
        }
    }

    /// The next message, of a row only the beginning; the answer to the request for TLS is a byte without a body.
    mutating func nextMessage() throws(ServiceFault) -> (type: UInt8, body: ArraySlice<UInt8>)? {
        if case .tlsAnswer = state {
            let answer = input.available.first
            input.consume(1)
            return answer.map { ($0, []) }
        }
        var reader = ByteReader(input.available.prefix(5))
        guard let type = reader.readBigEndian(UInt8.self) else {
            return nil
        }
        guard "RSKNZTDCIEAGHWVv".utf8.contains(type) else {
            throw ServiceFault("server did not answer as a PostgreSQL server")
        }
        guard let length = reader.readBigEndian(UInt32.self) else {
            return nil
        }
        guard length >= 4 else {
            throw ServiceFault("server sent a malformed message")
        }
        if case .query = state, type == UInt8(ascii: "D") {
            return (type, [])
        }
        guard length <= Self.messageLimit else {
            throw ServiceFault("server sent a message of \(length) bytes; at most \(Self.messageLimit) are read")
        }
        let message = input.available.prefix(1 + Int(length))
        guard message.count == 1 + Int(length) else {
            return nil
        }
        input.consume(message.count)
        return (type, message.dropFirst(5))
    }

    mutating func accept(_ message: (type: UInt8, body: ArraySlice<UInt8>)) throws(ServiceFault) -> ConversationStep {
        let (type, body) = message
        if case .tlsAnswer = state {
            return try acceptTLSAnswer(type)
        }
        switch (Character(UnicodeScalar(type)), state) {
        case ("E", .query):
            throw ServiceFault("query refused: \(PostgresMessage.refusal(body, hiding: login.password))")
        case ("E", _):
            throw ServiceFault("login refused: \(PostgresMessage.refusal(body, hiding: login.password))")
        case ("N", _), ("A", _), ("S", _), ("K", .authenticated), ("v", _):
            return .wait
        case ("R", .login), ("R", .saslFirst), ("R", .saslFinal), ("R", .proved):
            return try authenticate(body)
        case ("Z", .authenticated):
            guard !login.query.isEmpty else {
                return .finish(.up)
            }
            state = .query
            return .send(PostgresMessage.query(login.query))
        case ("T", .query), ("I", .query):
            return .wait
        case ("D", .query):
            return .finish(.up)
        case ("C", .query):
            return PostgresMessage.rows(inTag: body) > 0 ? .finish(.up) : .wait
        case ("Z", .query):
            return .finish(.down("query brought no row"))
        case ("G", .query), ("H", .query), ("W", .query):
            throw ServiceFault("query is a COPY, which a check cannot run")
        default:
            throw ServiceFault("server sent a message that does not belong to the \(stage)")
        }
    }

    private mutating func authenticate(_ body: ArraySlice<UInt8>) throws(ServiceFault) -> ConversationStep {
        var reader = ByteReader(body)
        guard let kind = reader.readBigEndian(UInt32.self), let data = reader.read(reader.remaining).map(Array.init)
        else {
            throw ServiceFault("server sent a malformed message")
        }
        switch (kind, state) {
        case (0, .login), (0, .proved):
            state = .authenticated
            return .wait
        case (3, .login):
            return .send(PostgresMessage.password(login.password))
        case (5, .login) where data.count == 4:
            return .send(PostgresMessage.password(try hidden(salt: data)))
        case (10, .login):
            let mechanism = "SCRAM-SHA-256"
            guard data.split(separator: 0).contains(Array(mechanism.utf8)[...]) else {
                throw ServiceFault("server asks for an authentication other than SCRAM-SHA-256, which is not supported")
            }
            let exchange = SCRAMExchange(login: "", password: login.password, nonce: nonce)
            state = .saslFirst(exchange)
            return .send(PostgresMessage.saslStart(mechanism, exchange.first))
        case (11, .saslFirst(var exchange)):
            let answer = try exchange.final(answering: data)
            state = .saslFinal(exchange)
            return .send(PostgresMessage.message("p", answer))
        case (12, .saslFinal(let exchange)):
            guard exchange.isProof(data) else {
                throw ServiceFault("server does not prove that it knows the password")
            }
            state = .proved
            return .wait
        case (0, _):
            throw ServiceFault("server lets us in without proof that it knows the password")
        case (2, _), (6...9, _):
            throw ServiceFault("server asks for an authentication (\(kind)) that is not supported")
        default:
            throw ServiceFault("server sent a message that does not belong to the login")
        }
    }

    /// "md5" and the digest of a digest (documentation, "MD5Password").
    private func hidden(salt: [UInt8]) throws(ServiceFault) -> String {
        guard let inner = MessageDigest.md5.digest(Array((login.password + login.login).utf8)),
            let outer = MessageDigest.md5.digest(Array(hexadecimal(inner).utf8) + salt)
        else {
            throw ServiceFault("server asks for MD5, which this system does not allow")
        }
        return "md5" + hexadecimal(outer)
    }
}
