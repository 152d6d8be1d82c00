// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Testing

@testable import HealthChecks

/// Answers of slapd 2.5, and answers that no server should send.
@Suite(.timeLimit(.minutes(10)))
struct ServicesLDAPTests {
    private static let bound = hex("300c02010261070a010004000400")
    private static let found = hex(
        """
        3024020103641f041b636e3d6865616c74682c64633d7665727665742c64633d746573743000300c02010365070a010004000400
        """
    )
    private static let base = "cn=health,dc=vervet,dc=test"
    private static let entry = Array(found.prefix(38))
    private static let done = Array(found.dropFirst(38))

    private func play(
        _ answers: [[UInt8]],
        base: String = base,
        login: String = "",
        password: String = "",
        receive: String? = nil,
        startsTLS: Bool = false,
        slice: Int = .max
    ) throws -> Play {
        let receive = try receive.map { try Pattern($0) }
        let search = LDAPSearch(base: base, login: login, password: password, receive: receive, startsTLS: startsTLS)
        return Play(LDAPConversation(search), answers, slice: slice)
    }

    @Test func anonymousSearch() throws {
        for slice in [1, 3, 10, Int.max] {
            let play = try play([Self.bound, Self.found], slice: slice)
            #expect(play.outcome == .up)
            #expect(play.sent[0] == hex("300c020102600702010304008000"))
            let search = """
                30450201036340041b636e3d6865616c74682c64633d7665727665742c64633d74657374
                0a01000a01020201000201000101ff870b6f626a656374436c61737330050403312e31
                """
            #expect(play.sent[1] == hex(search))
        }
    }

    @Test func login() throws {
        let name = "cn=checker,dc=vervet,dc=test"
        let play = try play([Self.bound, Self.found], login: name, password: "sesame-4711", receive: "^cn=health,")
        #expect(play.outcome == .up)
        let bind = """
            3033020102602e020103041c636e3d636865636b65722c64633d7665727665742c64633d74657374800b736573616d652d34373131
            """
        #expect(play.sent[0] == hex(bind))
        // Half a login is none: a bind with a name and no password would look like a success (RFC 4513 5.1.2).
        #expect(try self.play([], login: name).sent[0] == hex("300c020102600702010304008000"))
    }

    @Test func goodBye() throws {
        #expect(try play([Self.bound, Self.found]).farewell == hex("30050201044200"))
    }

    @Test func wrongName() throws {
        #expect(
            try play([Self.bound, Self.found], receive: "cn=death").reason
                == #"no name of an entry matches "cn=death": "cn=health,dc=vervet,dc=test""#
        )
    }

    @Test func rootOfTheServer() throws {
        let answer = hex("3009020103640404003000300c02010365070a010004000400")
        #expect(try play([Self.bound, answer], base: "").outcome == .up)
    }

    @Test func refusals() throws {
        #expect(
            try play([hex("300c02010261070a013104000400")]).reason == "bind refused: invalidCredentials (49)"
        )
        let closed = hex(
            "302502010261200a013004000419616e6f6e796d6f75732062696e6420646973616c6c6f776564"
        )
        #expect(
            try play([closed]).reason == #"bind refused: inappropriateAuthentication (48) "anonymous bind disallowed""#
        )
        let missing = hex("301d02010365180a0120041164633d7665727665742c64633d746573740400")
        #expect(
            try play([Self.bound, missing]).reason
                == #"search of "cn=health,dc=vervet,dc=test" refused: noSuchObject (32)"#
        )
        let notice = hex("30 0c 020100 78 07 0a0134 0400 0400")
        #expect(try play([notice]).reason == "server ends the connection: unavailable (52)")
    }

    @Test func passwordsAreNotRepeated() throws {
        let text = Array("who is sesame-4711 and sesame-471".utf8)
        let content = hex("0a0131 0400 04") + [UInt8(text.count)] + text
        let message = hex("020102 61") + [UInt8(content.count)] + content
        let answer = [0x30, UInt8(message.count)] + message
        #expect(
            try play([answer], login: "x", password: "sesame-4711").reason
                == #"bind refused: invalidCredentials (49) "who is *** and sesame-471""#
        )
    }

    @Test func passwordsAreNotRepeatedAsNames() throws {
        let entry = hex("3014020103640f040b 736573616d652d34373131 3000")
        let play = try play([Self.bound, entry, Self.done], login: "x", password: "sesame-4711", receive: "^cn=")
        #expect(play.reason == #"no name of an entry matches "^cn=": "***""#)
    }

    @Test func countOfEntries() throws {
        #expect(try play([Self.bound, Self.done]).reason == "search of \"\(Self.base)\" found no entry")
        #expect(
            try play([Self.bound, Self.entry, Self.found]).reason
                == "search of \"\(Self.base)\" found more than one entry"
        )
        let reference = hex("300c020103730704056c6461703a")
        #expect(try play([Self.bound, reference, Self.found]).outcome == .up)
    }

    @Test func startOfTLS() throws {
        let play = try play([hex("300c02010178070a010004000400"), Self.bound, Self.found], startsTLS: true)
        #expect(play.startedTLS)
        #expect(play.outcome == .up)
        #expect(play.sent[0] == hex("301d02010177188016312e332e362e312e342e312e313436362e3230303337"))
        let refused = try self.play([hex("300c02010178070a010204000400")], startsTLS: true)
        #expect(refused.reason == "start of TLS refused: protocolError (2)")
        // An answer that was slipped in before TLS must not be taken for the server's.
        let slipped = hex("300c02010178070a010004000400") + Self.bound
        #expect(try self.play([slipped], startsTLS: true).reason.hasPrefix("server closed the connection before"))
    }

    @Test func answersOutOfTurn() throws {
        #expect(
            try play([Self.found]).reason == "server answered message 3, which does not wait for an answer"
        )
        #expect(
            try play([hex("300c02010265070a010004000400")]).reason
                == "server sent an answer that does not belong to the bind"
        )
    }

    @Test func hostileLengths() throws {
        #expect(try play([hex("3080")]).reason == "server sent a malformed message")
        #expect(try play([hex("3085 0000000001")]).reason == "server sent a malformed message")
        #expect(
            try play([hex("3084 7fffffff")]).reason
                == "server sent a message of 2147483647 bytes; at most 65536 are read"
        )
        for text in ["3002 0201", "3003 020180", "3000", "3007 020102 61 7f 0a01", "300b 020102 6106 0a05ffffffff"] {
            #expect(try play([hex(text)]).reason == "server did not answer with an LDAP message")
        }
        #expect(
            try play([Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8 + [UInt8](repeating: 0, count: 100))])
                .reason == "server did not answer with an LDAP message"
        )
        let reference = hex("300c020103730704056c6461703a")
        let flood = [[UInt8]](repeating: Array(repeatElement(reference, count: 1000).joined()), count: 30)
        #expect(try play([Self.bound] + flood).reason == "server sent more than 262144 bytes")
        #expect(try play([]).reason == "server closed the connection before the end of the bind")
        #expect(try play([Self.bound]).reason == "server closed the connection before the end of the search")
    }

    @Test func numbers() {
        for value in [0, 1, 127, 128, 255, 256, 32767, 32768, 65536, .max] as [UInt32] {
            var reader = ByteReader(BasicEncoding.number(BasicEncoding.integer, value))
            let element = BasicEncoding.next(&reader)
            #expect(element.flatMap { BasicEncoding.value($0.content) } == value)
            #expect(reader.remaining == 0)
        }
        for count in [0, 127, 128, 255, 256, 65535, 65536] {
            let bytes = BasicEncoding.element(BasicEncoding.octetString, [UInt8](repeating: 7, count: count))
            var reader = ByteReader(bytes)
            #expect(BasicEncoding.next(&reader)?.content.count == count)
            #expect((try? BasicEncoding.frame(bytes[...], limit: 100_000)) == bytes.count)
        }
    }

    @Test func spoiltAnswers() throws {
        let seed = UInt64.random(in: 0..<1_000_000)
        var fuzzer = Fuzzer(seed: seed)
        let refused = hex("302502010261200a013004000419616e6f6e796d6f75732062696e6420646973616c6c6f776564")
        for number in 0..<Fuzzer.rounds {
            let search = LDAPSearch(
                base: Self.base,
                login: "x",
                password: "sesame-4711",
                receive: try Pattern("health"),
                startsTLS: number % 3 == 0
            )
            var answers = number % 7 == 0 ? [refused] : [Self.bound, Self.found]
            if search.startsTLS {
                answers.insert(hex("300c02010178070a010004000400"), at: 0)
            }
            let conversation = LDAPConversation(search)
            if let fault = fuzzer.round(conversation, answers, hidden: "sesame-4711", isStream: true) {
                Issue.record("seed \(seed), round \(number): \(fault)")
            }
        }
        #expect((100..<Fuzzer.rounds - 100).contains(fuzzer.ups), "seed \(seed)")
    }
}
