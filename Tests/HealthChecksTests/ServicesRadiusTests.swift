// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Testing

@testable import HealthChecks

/// Answers of FreeRADIUS 3.2 to the request of generator 7, and answers that no server should send.
@Suite(.timeLimit(.minutes(10)))
struct ServicesRadiusTests {
    private static let accept = hex("02d7001417b66c2bca99bd16cb797799c87b235c")
    private static let reject = hex(
        "03d7002e57a4bc7ac1bb3314650b832348d8e68c121a6e6f20737563682075736572206f722070617373776f7264"
    )
    private static let challenge = hex(
        """
        0bd7003d391efda8008ed970dc56e09d29ad2d5b1217636f64652066726f6d20796f757220746f6b656e3f
        18120dfe904a2e2a41b60b763888b5096472
        """
    )

    private func conversation(login: RadiusLogin? = nil) throws -> RadiusConversation {
        var random = SeededGenerator(seed: 7)
        let usual = try RadiusLogin(login: "checker", password: "sesame-4711", secret: "testing123")
        return RadiusConversation(login ?? usual, using: &random)
    }

    private func play(_ answers: [[UInt8]]) throws -> Play { Play(try conversation(), answers, closes: false) }

    /// Signs an answer as a server does that knows the secret; `signature` is the place of a Message-Authenticator.
    private func signed(_ code: UInt8, _ attributes: [UInt8], signature: Int? = nil) throws -> [UInt8] {
        let request = try conversation().opening()
        let secret = Array("testing123".utf8)
        let length = 20 + attributes.count
        let head = [code, 0xd7, UInt8(length >> 8), UInt8(length & 0xff)]
        var body = attributes
        if let signature {
            let digest = try #require(MessageDigest.md5.hmac(key: secret, head + request[4..<20] + body))
            body.replaceSubrange(signature..<signature + 16, with: digest)
        }
        let proof = try #require(MessageDigest.md5.digest(head + request[4..<20] + body + secret))
        return head + proof + body
    }

    @Test func request() throws {
        let request = """
            01d7004d1c02cbda11f6fe6169eb2c4e30e6f8af5012db1754afff5decff275c63d18ce1df740109636865636b6572
            02127d7f1b8f7d7b8ac87287eb02dd969387200c6c6469726563746f7264
            """
        #expect(try play([]).sent == [hex(request)])
    }

    @Test func hiddenPasswords() throws {
        // The example of RFC 2865 7.1.
        let authenticator = hex("0f403f9473978057bd83d5cb98f4227a")
        let hidden = try RadiusConversation.hidden("arctangent", "xyzzy5461", authenticator)
        #expect(hidden == hex("0dbe708d93d413ce3196e43f782a0aee"))
        for (length, blocks) in [(0, 1), (1, 1), (16, 1), (17, 2), (128, 8)] {
            let password = String(repeating: "x", count: length)
            #expect(try RadiusConversation.hidden(password, "s", authenticator).count == blocks * 16)
        }
    }

    @Test func answers() throws {
        #expect(try play([Self.accept]).outcome == .up)
        #expect(try play([Self.accept + [0, 0, 0]]).outcome == .up, "padding is ignored")
        #expect(
            try play([Self.reject]).reason == #"login refused (Access-Reject): "no such user or password""#
        )
        #expect(
            try play([Self.challenge]).reason
                == #"server wants more than a password (Access-Challenge): "code from your token?""#
        )
        #expect(try play([try signed(5, [])]).reason == "server answered with RADIUS code 5")
    }

    @Test func signatures() throws {
        let place = hex("5012") + [UInt8](repeating: 0, count: 16)
        #expect(try play([try signed(2, place, signature: 2)]).outcome == .up)
        #expect(try play([try signed(2, hex("1203 61") + place, signature: 5)]).outcome == .up)
        #expect(
            try play([try signed(2, place)]).reason == "the answer's Message-Authenticator is not made with our secret"
        )
        for index in [0, 2, 3, 4, 19] {
            var answer = Self.accept
            answer[index] ^= 1
            #expect(try play([answer]).outcome != .up)
        }
        var forged = Self.reject
        forged[0] = 2
        #expect(try play([forged]).reason == "the answer is not signed with our secret")
    }

    @Test func strangersAreNotHeard() throws {
        var other = Self.accept
        other[1] ^= 1
        #expect(try play([other, [], [2]]).outcome == nil)
        #expect(try play([other, Self.accept]).outcome == .up)
    }

    @Test func hostileAttributes() throws {
        for attributes in ["12", "1200", "1201", "1205", "0000", "5003 00", "5012 00"] {
            #expect(try play([try signed(2, hex(attributes))]).outcome != .up)
        }
        #expect(try play([try signed(2, hex("12ff"))]).reason == "server sent a malformed answer")
        for text in ["02d7", "02d70013", "02d7ffff00", "02d7000500000000000000000000000000000000"] {
            #expect(try play([hex(text)]).reason == "server sent a malformed answer")
        }
        let text = Array("bad sesame-4711".utf8)
        let echo = try signed(3, [18, UInt8(text.count + 2)] + text)
        #expect(try play([echo]).reason == #"login refused (Access-Reject): "bad ***""#)
    }

    @Test func descriptions() {
        let long = String(repeating: "x", count: 254)
        #expect(throws: ServiceFault.self) { try RadiusLogin(login: "", password: "p", secret: "s") }
        #expect(throws: ServiceFault.self) { try RadiusLogin(login: long, password: "p", secret: "s") }
        #expect(throws: ServiceFault.self) { try RadiusLogin(login: "l", password: long, secret: "s") }
        #expect(throws: ServiceFault.self) { try RadiusLogin(login: "l", password: "p", secret: "") }
        #expect(throws: Never.self) { try RadiusLogin(login: "l", password: "", secret: "s") }
    }

    @Test func spoiltAnswers() throws {
        let seed = UInt64.random(in: 0..<1_000_000)
        var fuzzer = Fuzzer(seed: seed)
        let place = hex("5012") + [UInt8](repeating: 0, count: 16)
        let good = [Self.accept, Self.reject, Self.challenge, try signed(2, place, signature: 2)]
        for number in 0..<Fuzzer.rounds {
            let fault = fuzzer.round(
                try conversation(),
                [good[number % good.count]],
                hidden: "sesame-4711",
                isStream: false
            )
            if let fault {
                Issue.record("seed \(seed), round \(number): \(fault)")
            }
        }
        #expect((50..<Fuzzer.rounds - 100).contains(fuzzer.ups), "seed \(seed)")
    }
}
