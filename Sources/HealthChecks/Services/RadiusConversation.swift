// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// Asks a RADIUS server to accept a ``RadiusLogin`` (RFC 2865; signatures RFC 2869 5.14): up on Access-Accept.
struct RadiusConversation: Conversation {
    private enum Attribute {
        static let userName: UInt8 = 1
        static let userPassword: UInt8 = 2
        static let replyMessage: UInt8 = 18
        static let clientName: UInt8 = 32
        static let signature: UInt8 = 80
    }

    private let login: RadiusLogin
    private let identifier: UInt8
    private let authenticator: [UInt8]
    private let request: [UInt8]

    /// The generator gives what hides the password and what an answer must repeat: nobody must be able to guess it.
    init(_ login: RadiusLogin, using generator: inout some RandomNumberGenerator) {
        self.login = login
        identifier = UInt8.random(in: .min ... .max, using: &generator)
        var random: [UInt8] = []
        for _ in 0..<16 { random.append(UInt8.random(in: .min ... .max, using: &generator)) }
        authenticator = random
        // A login exists only where MD5 does: this fails only when that changed since.
        request = (try? Self.request(login, identifier, random)) ?? []
    }

    /// As above, with numbers of the system.
    init(_ login: RadiusLogin) {
        var generator = SystemRandomNumberGenerator()
        self.init(login, using: &generator)
    }

    /// RFC 2865 3: requests of unknown clients, and those that are not made with the right secret, are discarded.
    var remarkOnSilence: String {
        " (a RADIUS server is silent to a client that it does not know or that has another secret)"
    }

    func opening() -> [UInt8] { request }

    func receive(_ bytes: ArraySlice<UInt8>) -> ConversationStep {
        var reader = ByteReader(bytes)
        guard let code = reader.readBigEndian(UInt8.self), let number = reader.readBigEndian(UInt8.self),
            number == identifier
        else {
            return .wait
        }
        do throws(ServiceFault) {
            return .finish(try outcome(code, Array(bytes)))
        } catch {
            return .finish(.down(error.description))
        }
    }

    func end() -> ConversationStep { .finish(.down("server closed the connection before its answer")) }

    private func outcome(_ code: UInt8, _ datagram: [UInt8]) throws(ServiceFault) -> CheckOutcome {
        var reader = ByteReader(datagram)
        guard reader.skip(2), let length = reader.readBigEndian(UInt16.self), (20...4096).contains(length),
            Int(length) <= datagram.count, let proof = reader.read(16)
        else {
            throw ServiceFault("server sent a malformed answer")
        }
        // RFC 2865 3: what follows the length is padding.
        let packet = Array(datagram.prefix(Int(length)))
        let attributes = Array(packet.dropFirst(20))
        let signed: [UInt8] = Array(packet[..<4]) + authenticator + attributes + Array(login.secret.utf8)
        let expected = try Self.md5(signed)
        guard Array(proof) == expected else {
            throw ServiceFault("the answer is not signed with our secret")
        }
        var message: [UInt8] = []
        var offset = 0
        while offset < attributes.count {
            guard offset + 2 <= attributes.count, attributes[offset + 1] >= 2,
                offset + Int(attributes[offset + 1]) <= attributes.count
            else {
                throw ServiceFault("server sent a malformed answer")
            }
            let value = attributes[offset + 2..<offset + Int(attributes[offset + 1])]
            switch attributes[offset] {
            case Attribute.replyMessage:
                message += value
            case Attribute.signature:
                guard value.count == 16, Array(value) == (try signature(of: packet, at: 20 + offset + 2)) else {
                    throw ServiceFault("the answer's Message-Authenticator is not made with our secret")
                }
            default:
                break
            }
            offset += Int(attributes[offset + 1])
        }
        let text = message.isEmpty ? "" : ": \(quoted(message, hiding: login.password))"
        switch code {
        case 2: return .up
        case 3: return .down("login refused (Access-Reject)\(text)")
        case 11: return .down("server wants more than a password (Access-Challenge)\(text)")
        default: return .down("server answered with RADIUS code \(code)")
        }
    }

    private func signature(of answer: [UInt8], at offset: Int) throws(ServiceFault) -> [UInt8] {
        var packet = answer
        packet.replaceSubrange(4..<20, with: authenticator)
        packet.replaceSubrange(offset..<offset + 16, with: repeatElement(0, count: 16))
        return try Self.signature(packet, login.secret)
    }

    private static func request(_ login: RadiusLogin, _ identifier: UInt8, _ authenticator: [UInt8])
        throws(ServiceFault) -> [UInt8]
    {
        var attributes: [UInt8] = []
        func add(_ type: UInt8, _ value: [UInt8]) { attributes += [type, UInt8(value.count + 2)] + value }
        // First, so that nothing can be slipped in before it by a chosen prefix.
        add(Attribute.signature, [UInt8](repeating: 0, count: 16))
        add(Attribute.userName, Array(login.login.utf8))
        add(Attribute.userPassword, try hidden(login.password, login.secret, authenticator))
        add(Attribute.clientName, Array(login.clientName.utf8))
        var writer = ByteWriter()
        writer.write([1, identifier])
        writer.writeBigEndian(UInt16(20 + attributes.count))
        writer.write(authenticator)
        writer.write(attributes)
        var packet = writer.bytes
        packet.replaceSubrange(22..<38, with: try signature(packet, login.secret))
        return packet
    }

    /// RFC 2865 5.2: blocks of 16 bytes, each added to a digest of the secret and the block before.
    static func hidden(_ password: String, _ secret: String, _ authenticator: [UInt8]) throws(ServiceFault)
        -> [UInt8]
    {
        var clear = Array(password.utf8)
        clear += repeatElement(0, count: clear.isEmpty ? 16 : (16 - clear.count % 16) % 16)
        var result: [UInt8] = []
        var previous = authenticator
        for start in stride(from: 0, to: clear.count, by: 16) {
            let mask = try md5(Array(secret.utf8) + previous)
            previous = zip(clear[start..<start + 16], mask).map { $0 ^ $1 }
            result += previous
        }
        return result
    }

    private static func md5(_ bytes: [UInt8]) throws(ServiceFault) -> [UInt8] {
        guard let digest = MessageDigest.md5.digest(bytes) else {
            throw ServiceFault("this system does not allow MD5, which RADIUS needs")
        }
        return digest
    }

    private static func signature(_ packet: [UInt8], _ secret: String) throws(ServiceFault) -> [UInt8] {
        guard let digest = MessageDigest.md5.hmac(key: Array(secret.utf8), packet) else {
            throw ServiceFault("this system does not allow MD5, which RADIUS needs")
        }
        return digest
    }
}
