// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Testing

@testable import HealthChecks

/// Answers of BIND 9.18 to the numbers of generator 7, and answers that no server should send.
@Suite(.timeLimit(.minutes(10)))
struct ServicesDNSTests {
    private static let www = hex(
        """
        0dd785000001000200000000037777770676657276657404746573740000010001
        c00c000100010000003c00040a070001c00c000100010000003c00040a070002
        """
    )
    private static let alias = hex(
        """
        0dd78500000100030000000005616c6961730676657276657404746573740000010001c00c000500010000003c000603777777c012
        c02f000100010000003c00040a070002c02f000100010000003c00040a070001
        """
    )
    private static let soa = hex(
        """
        0dd7850000010001000000000676657276657404746573740000060001
        c00c000600010000003c0021026e73c00c0561646d696ec00c0000000700000e1000000258000151800000003c
        """
    )
    private static let sixWithoutA = hex(
        """
        0dd785000001000000010000037369780676657276657404746573740000010001
        c010000600010000003c0021026e73c0100561646d696ec0100000000700000e1000000258000151800000003c
        """
    )
    private static let six = hex(
        """
        661c850000010001000000000373697806766572766574047465737400001c0001
        c00c001c00010000003c001020010db8000000000000000000000006
        """
    )
    private static let reverse = hex(
        """
        0dd78500000100010000000001310130013702313007696e2d61646472046172706100000c0001
        c00c000c00010000003c00110377777706766572766574047465737400
        """
    )

    private func play(
        _ request: String,
        _ answers: [[UInt8]],
        receive: String? = nil,
        isStream: Bool = false,
        slice: Int = .max,
        closes: Bool = false
    ) throws -> Play {
        var random = SeededGenerator(seed: 7)
        let question = try DNSQuestion(request: request, receive: try receive.map { try Pattern($0) })
        let conversation = DNSConversation(question, isStream: isStream, using: &random)
        let framed = isStream ? answers.map { [UInt8($0.count >> 8), UInt8($0.count & 0xff)] + $0 } : answers
        return Play(conversation, framed, slice: slice, closes: closes)
    }

    private func play(_ type: DNSQuestion.RecordType, _ answer: [UInt8], receive: String) throws -> Play {
        var random = SeededGenerator(seed: 7)
        let question = try DNSQuestion(name: "vervet.test", type: type, receive: try Pattern(receive))
        return Play(DNSConversation(question, isStream: false, using: &random), [answer], closes: false)
    }

    @Test func question() throws {
        let sent = try play("www.vervet.test", []).sent
        #expect(sent == [hex("0dd701000001000000000000037777770676657276657404746573740000010001")])
        let overStream = try play("www.vervet.test.", [], isStream: true).sent
        #expect(overStream == [hex("00210dd701000001000000000000037777770676657276657404746573740000010001")])
    }

    @Test func addresses() throws {
        #expect(try play("www.vervet.test", [Self.www]).outcome == .up)
        #expect(try play("www.vervet.test", [Self.www], receive: #"^10\.7\.0\.2$"#).outcome == .up)
        #expect(try play("WWW.Vervet.TEST", [Self.www]).outcome == .up)
        #expect(
            try play("www.vervet.test", [Self.www], receive: "^192").reason == "waiting",
            "IPv6 is asked for as well"
        )
        #expect(try play("alias.vervet.test", [Self.alias], receive: "10.7.0.1").outcome == .up)
        #expect(try play("alias.vervet.test", [Self.alias], receive: "www").sent.count == 2)
    }

    @Test func addressesOfVersion6ComeSecond() throws {
        let play = try play("six.vervet.test", [Self.sixWithoutA, Self.six], receive: "^2001:db8::6$")
        #expect(play.outcome == .up)
        #expect(play.sent.last == hex("661c010000010000000000000373697806766572766574047465737400001c0001"))
        let other = try self.play("six.vervet.test", [Self.sixWithoutA, Self.six], receive: "^10")
        #expect(
            other.reason
                == #"the answer has no A record to match "^10"; no AAAA record matches "^10": "2001:db8::6""#
        )
    }

    @Test func names() throws {
        #expect(try play("10.7.0.1", [Self.reverse], receive: #"^www\.vervet\.test$"#).outcome == .up)
        #expect(
            try play("10.7.0.1", [Self.reverse], receive: "mail").reason
                == #"no PTR record matches "mail": "www.vervet.test""#
        )
        let six = try DNSQuestion(request: "2001:db8::7", receive: nil)
        #expect(six.types == [.ptr])
        #expect(six.name == "7" + String(repeating: ".0", count: 23) + ".8.b.d.0.1.0.0.2.ip6.arpa")
    }

    @Test func otherTypes() throws {
        #expect(
            try play(.soa, Self.soa, receive: "x").reason
                == #"no SOA record matches "x": "ns.vervet.test admin.vervet.test 7 3600 600 86400 60""#
        )
        let nameServer = hex(
            """
            0dd7850000010001000000010676657276657404746573740000020001
            c00c000200010000003c0005026e73c00cc029000100010000003c00040a070003
            """
        )
        #expect(try play(.ns, nameServer, receive: #"^ns\.vervet\.test$"#).outcome == .up)
        let mail = hex(
            "0dd78500000100010000000006766572766574047465737400000f0001c00c000f00010000003c0009000a046d61696cc00c"
        )
        #expect(try play(.mx, mail, receive: #"^10 mail\.vervet\.test$"#).outcome == .up)
        let text = hex(
            """
            0dd7850000010001000000000676657276657404746573740000100001
            c00c001000010000003c00150b73746174653d616c697665083b207365636f6e64
            """
        )
        #expect(try play(.txt, text, receive: "^state=alive; second$").outcome == .up)
        #expect(DNSQuestion.RecordType(name: "aaaa") == .aaaa)
        #expect(DNSQuestion.RecordType(name: "ANY") == nil)
    }

    @Test func refusals() throws {
        var answer = Self.www
        for (code, name) in [
            (1, "FORMERR"), (2, "SERVFAIL"), (3, "NXDOMAIN"), (5, "REFUSED"), (15, "response code 15"),
        ] {
            answer[3] = UInt8(code)
            let reason = try play("www.vervet.test", [answer]).reason
            #expect(reason == "server answered with \(name) for \"www.vervet.test\"")
        }
        // A refusal may leave the question out, an answer may not.
        #expect(try play("www.vervet.test", [hex("0dd780050000000000000000")]).reason.contains("REFUSED"))
        #expect(try play("www.vervet.test", [hex("0dd780000000000000000000")]).outcome == nil)
    }

    @Test func strangersAreNotHeard() throws {
        var number = Self.www
        number[0] ^= 1
        var question = Self.www
        question[13] ^= 1
        var type = Self.www
        type[30] = 16
        var query = Self.www
        query[2] &= 0x7f
        let strangers = [number, question, type, query, Array(Self.www.prefix(20)), [], [0x0d]]
        for stranger in strangers {
            #expect(try play("www.vervet.test", [stranger]).outcome == nil)
        }
        #expect(try play("www.vervet.test", strangers + [Self.www]).outcome == .up)
        #expect(try play("www.vervet.test", [number], isStream: true).reason == "server answered another question")
    }

    @Test func stream() throws {
        for slice in [1, 2, 7, Int.max] {
            #expect(try play("www.vervet.test", [Self.www], isStream: true, slice: slice).outcome == .up)
            let six = [Self.sixWithoutA, Self.six]
            #expect(try play("six.vervet.test", six, isStream: true, slice: slice).outcome == .up)
        }
        #expect(
            try play("www.vervet.test", [], isStream: true, closes: true).reason
                == "server closed the connection before its answer"
        )
        #expect(
            try play("www.vervet.test", [[1, 2, 3]], isStream: true).reason
                == "server did not answer with a DNS message"
        )
    }

    @Test func truncatedAnswers() throws {
        var answer = Self.www
        answer[2] |= 2
        #expect(try play("www.vervet.test", [answer], receive: "10.7.0.1").outcome == .up)
        answer[7] = 0
        let reason = try play("www.vervet.test", [Array(answer.prefix(33))]).reason
        #expect(reason.hasPrefix("the answer does not fit into a datagram; check over TCP ("))
        var cut = Self.www
        cut[2] |= 2
        #expect(try play("www.vervet.test", [Array(cut.dropLast(3))], receive: "10.7.0.1").outcome == .up)
        #expect(
            try play("www.vervet.test", [Self.www.dropLast(3)]).reason == "server sent an answer that is not whole"
        )
    }

    @Test func pointersThatGoRoundEnd() throws {
        let head = hex(
            "0dd78500000100010000000001310130013702313007696e2d61646472046172706100000c0001c00c000c00010000003c"
        )
        let start = UInt8(head.count + 2)
        let itself: [UInt8] = [0, 2, 0xc0, start]
        let forward: [UInt8] = [0, 4, 0xc0, start + 2, 1, 0x61]
        let backAndForth: [UInt8] = [0, 4, 1, 0x61, 0xc0, start]
        let outside: [UInt8] = [0, 2, 0xff, 0xff]
        let cut: [UInt8] = [0, 1, 0xc0]
        let long: [UInt8] = [0, 1, 0x3f]
        let reserved: [UInt8] = [0, 2, 0x80, 0x0c]
        for data in [itself, forward, backAndForth, outside, cut, long, reserved] {
            #expect(try play("10.7.0.1", [head + data]).reason == "server sent a malformed record")
        }
    }

    @Test func endlessWork() throws {
        // Thousands of pointers, each to the one before, and thousands of records that begin at the last.
        let question = hex("0dd78500000119000000000001310130013702313007696e2d61646472046172706100000c0001")
        var answer = question + hex("c00c 000c0001 0000003c 2000 0000")
        while answer.count < 8000 {
            let target = answer.count - 2
            answer += [0xc0 | UInt8(target >> 8), UInt8(target & 0xff)]
        }
        let last = answer.count - 2
        while answer.count < 65000 {
            answer += hex("c00c 000c0001 0000003c 0002") + [0xc0 | UInt8(last >> 8), UInt8(last & 0xff)]
        }
        let began = ContinuousClock.now
        #expect(try play("10.7.0.1", [answer], receive: "x").reason.hasPrefix("server sent"))
        #expect(ContinuousClock.now - began < .seconds(30))
        // Each of the records that are read matches nothing.
        let many = question + Array(repeatElement(hex("c00c 000c0001 0000003c 0003 016100"), count: 6000).joined())
        #expect(
            try play("10.7.0.1", [many], receive: "x").reason.hasPrefix("no PTR record matches \"x\": \"a\", \"a\"")
        )
        #expect(ContinuousClock.now - began < .seconds(30))
    }

    @Test func wrongLengthsOfAddresses() throws {
        var short = Self.www
        short[44] = 3
        #expect(try play("www.vervet.test", [short]).reason == "server sent a malformed record")
    }

    @Test func namesThatCannotBe() {
        for name in ["a..b", ".", "..", ".a", String(repeating: "a", count: 64), String(repeating: "a.", count: 128)] {
            if name == "." {
                #expect(throws: Never.self) { try DNSQuestion(request: name, receive: nil) }
            } else {
                #expect(throws: ServiceFault.self) { try DNSQuestion(request: name, receive: nil) }
            }
        }
        #expect(throws: Never.self) {
            try DNSQuestion(request: String(repeating: "a.", count: 126) + "a", receive: nil)
        }
    }

    @Test func bytesOfNamesAreEscaped() throws {
        let answer = hex(
            """
            0dd78500000100010000000001310130013702313007696e2d61646472046172706100000c0001
            c00c000c00010000003c0008 05 612e5c0720 00 00
            """
        )
        #expect(try play("10.7.0.1", [answer], receive: "x").reason.contains(##"a\.\\\007\032"##))
    }

    @Test func spoiltAnswers() throws {
        let seed = UInt64.random(in: 0..<1_000_000)
        var fuzzer = Fuzzer(seed: seed)
        let cases: [(request: String, answers: [[UInt8]])] = [
            ("www.vervet.test", [Self.www]), ("alias.vervet.test", [Self.alias]), ("10.7.0.1", [Self.reverse]),
            ("six.vervet.test", [Self.sixWithoutA, Self.six]),
        ]
        for number in 0..<Fuzzer.rounds {
            let (request, answers) = cases[number % cases.count]
            let isStream = number % 3 == 0
            var random = SeededGenerator(seed: 7)
            let question = try DNSQuestion(
                request: request,
                receive: number % 2 == 0 ? try Pattern("^(10|www|2001)") : nil
            )
            let conversation = DNSConversation(question, isStream: isStream, using: &random)
            let framed = isStream ? answers.map { [UInt8($0.count >> 8), UInt8($0.count & 0xff)] + $0 } : answers
            if let fault = fuzzer.round(conversation, framed, hidden: "\u{0}", isStream: isStream) {
                Issue.record("seed \(seed), round \(number): \(fault)")
            }
        }
        #expect((100..<Fuzzer.rounds - 100).contains(fuzzer.ups), "seed \(seed)")
    }
}
