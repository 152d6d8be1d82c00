// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Testing

@testable import HealthChecks

/// Answers of MariaDB 10.11, some as MySQL 8.0 gives them, and answers that no server should send.
@Suite(.timeLimit(.minutes(10)))
struct ServicesMySQLTests {
    private static let greeting = hex(
        """
        640000000a352e352e352d31302e31312e31392d4d6172696144422d302b6465623132753100050000002f54395e5057432900fef70802
        00ff81150000000000001d00000040492f4b6b5c6b277b5a307d006d7973716c5f6e61746976655f70617373776f726400
        """
    )
    private static let loggedIn = hex("0700000200000002000000")
    private static let columns =
        "01000001012e00000203646566066865616c746805616c69766505616c697665046e616d65046e616d650c21003c000000fd0000000000"
    private static let row = hex(columns + "0600000305616c69766507000004fe000022000000")
    private static let noRow = hex(columns + "07000003fe000002000000")
    /// As MySQL 8.0 greets; the challenge is the bytes 1 to 20.
    private static let greeting8 = hex(
        """
        4a0000000a382e302e33360009000000010203040506070800fff7ff0200ffc31500000000000000000000
        090a0b0c0d0e0f10111213140063616368696e675f736861325f70617373776f726400
        """
    )
    private static let key = """
        -----BEGIN PUBLIC KEY-----
        MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAnDbKxdCUbml+xF252jwo
        PgLCPWYVx3nAu1DE9TooBSdt8e0LPz7Da9S/uclxJLePAxW2gwS0a0TTgUEYw7Ig
        SMdQcC/xVXAFKywdPkwmOdUy2rKEs81VcGyaSKFZMBP5PlfPog9wOza+2TKuTM7l
        gxaG+NMzPDpEJScyqciKEteXL+jM2/QbYpiSpUXIqWRlklpN2920iiz93WYS3z/f
        oEAX2O//MD3QE79Wqg+dyObxMqv58EbCByg5NQ3CHAP7QQHchZS5QWYX2Dh6TVK7
        GFfnhK6/XOqbEIOd1pM6bdnJj4enu2FC6PBECn2sj0zfN8zvCjwCQgv/a18k6tEv
        3QIDAQAB
        -----END PUBLIC KEY-----

        """

    private func conversation(
        password: String = "sesame-4711",
        database: String = "health",
        query: String = "SELECT name FROM alive"
    ) -> MySQLConversation {
        MySQLConversation(MySQLLogin(login: "checker", password: password, database: database, query: query))
    }

    private func play(_ answers: [[UInt8]], slice: Int = .max) -> Play { Play(conversation(), answers, slice: slice) }

    private func packet(_ number: UInt8, _ text: String) -> [UInt8] { MySQLPacket.framed(hex(text), number: number) }

    @Test func query() {
        for slice in [1, 3, 50, Int.max] {
            let play = play([Self.greeting, Self.loggedIn, Self.row], slice: slice)
            #expect(play.outcome == .up)
            let login = """
                5a00000109a2080100000001210000000000000000000000000000000000000000000000636865636b657200
                14290ee56754400342663fea083eba8f5c741a541a6865616c7468006d7973716c5f6e61746976655f70617373776f726400
                """
            #expect(play.sent[1] == hex(login))
            #expect(play.sent[2] == hex("170000000353454c454354206e616d652046524f4d20616c697665"))
        }
        #expect(play([Self.greeting, Self.loggedIn, Self.noRow]).reason == "query brought no row")
        #expect(play([Self.greeting, Self.loggedIn, Self.noRow], slice: 1).reason == "query brought no row")
    }

    @Test func changes() {
        let changed = """
            300000010001002200000028526f7773206d6174636865643a203120204368616e6765643a203120205761726e696e67733a2030
            """
        #expect(play([Self.greeting, Self.loggedIn, hex(changed)]).outcome == .up)
        let unchanged = play([Self.greeting, Self.loggedIn, hex("0700000100000002000000")])
        #expect(unchanged.reason == "query brought no row")
    }

    @Test func goodBye() {
        #expect(play([Self.greeting]).farewell.isEmpty)
        for answers in [[Self.row], [Self.noRow], [packet(1, "ff2804 23 3432303030 6f68")]] {
            #expect(play([Self.greeting, Self.loggedIn] + answers).farewell == hex("0100000001"))
        }
        #expect(Play(conversation(query: ""), [Self.greeting, Self.loggedIn]).farewell == hex("0100000001"))
    }

    @Test func loginAlone() {
        #expect(Play(conversation(query: ""), [Self.greeting, Self.loggedIn]).outcome == .up)
    }

    @Test func noDatabaseAndNoPassword() {
        let sent = Play(conversation(password: "", database: ""), [Self.greeting]).sent[1]
        let login = """
            3f00000101a2080100000001210000000000000000000000000000000000000000000000636865636b657200
            00 6d7973716c5f6e61746976655f70617373776f726400
            """
        #expect(sent == hex(login))
    }

    @Test func refusals() {
        let refused = hex(
            """
            4b000002ff15042332383030304163636573732064656e69656420666f7220757365722027636865636b65722740273132372e302e302e
            312720287573696e672070617373776f72643a2059455329
            """
        )
        #expect(
            play([Self.greeting, refused]).reason
                == "login refused: error 1045 \"Access denied for user 'checker'@'127.0.0.1' (using password: YES)\""
        )
        let full = hex("1d000002ff1004233038303034546f6f206d616e7920636f6e6e656374696f6e73")
        #expect(play([Self.greeting, full]).reason == #"login refused: error 1040 "Too many connections""#)
        let host = packet(0, "ff6a04 486f737420277827206973206e6f7420616c6c6f776564")
        #expect(play([host]).reason == #"server refuses connections: error 1130 "Host 'x' is not allowed""#)
        let syntax = packet(1, "ff2804 23 3432303030 6f68")
        #expect(play([Self.greeting, Self.loggedIn, syntax]).reason == #"query refused: error 1064 "oh""#)
        let late = hex(Self.columns) + packet(3, "ff2505 23 3730313030 6b696c6c6564")
        #expect(play([Self.greeting, Self.loggedIn, late]).reason == #"query refused: error 1317 "killed""#)
        #expect(play([packet(0, "ff")]).reason == "server refuses connections: an error without a number")
    }

    @Test func proofs() {
        let challenge = Array(1...20) as [UInt8]
        // Computed with another implementation of the digests.
        #expect(
            MySQLAuthentication.native.proof(of: "sesame-4711", challenge: challenge).map(hexadecimal)
                == "09f8450beee068e7bd8d4a853b63d4b7670f72cf"
        )
        #expect(
            MySQLAuthentication.cachingSHA2.proof(of: "sesame-4711", challenge: challenge).map(hexadecimal)
                == "ebe62e78f51110535f2957afc38a29e1bb194be4c7dc0b26b08e517ea72a4edd"
        )
    }

    @Test func serverThatKnowsThePassword() {
        let known = packet(2, "0103") + packet(3, "00000002000000")
        // The descriptions of columns end without a packet of their own, the rows with one that looks like OK.
        let row = packet(1, "01") + packet(2, "03646566") + packet(3, "0161") + packet(4, "fe000002000000")
        let noRow = packet(1, "01") + packet(2, "03646566") + packet(3, "fe000002000000")
        for slice in [1, 5, Int.max] {
            let play = play([Self.greeting8, known, row], slice: slice)
            #expect(play.outcome == .up)
            #expect(
                hexadecimal(play.sent[1]).contains("20ebe62e78f51110535f2957afc38a29e1bb194be4c7dc0b26b08e517ea72a4edd")
            )
            #expect(self.play([Self.greeting8, known, noRow], slice: slice).reason == "query brought no row")
        }
    }

    @Test func serverThatWantsThePasswordItself() {
        let full = packet(2, "0104")
        let key = MySQLPacket.framed([1] + Array(Self.key.utf8), number: 4)
        let welcome = packet(6, "00000002000000")
        let row = packet(1, "01") + packet(2, "03646566") + packet(3, "0161")
        let play = play([Self.greeting8, full, key, welcome, row])
        #expect(play.outcome == .up)
        #expect(play.sent[2] == hex("0100000302"))
        // 2048 bits that only the owner of the key can read, different each time.
        #expect(play.sent[3].prefix(4) == hex("00010005")[...])
        #expect(play.sent[3].count == 4 + 256)
        #expect(self.play([Self.greeting8, full, key, welcome, row]).sent[3] != play.sent[3])
        let reason = "server did not send a usable RSA key for the password"
        #expect(self.play([Self.greeting8, full, packet(4, "01")]).reason == reason)
        #expect(self.play([Self.greeting8, full, packet(4, "016b6579")]).reason == reason)
        #expect(self.play([Self.greeting8, full, packet(4, "00000002000000")]).reason == reason)
    }

    @Test func changeOfTheMethod() {
        let challenge = hexadecimal(Array(1...20))
        let change = packet(2, "fe 63616368696e675f736861325f70617373776f7264 00" + challenge + "00")
        let play = play([Self.greeting, change, packet(4, "0103") + packet(5, "00000002000000"), Self.row])
        #expect(play.outcome == .up)
        #expect(
            hexadecimal(play.sent[2]) == "20000003ebe62e78f51110535f2957afc38a29e1bb194be4c7dc0b26b08e517ea72a4edd"
        )
        #expect(
            self.play([Self.greeting, change, change]).reason
                == "server sent a malformed change of the authentication"
        )
        let unknown = packet(2, "fe 636c69656e745f65643235353139 00" + challenge)
        #expect(
            self.play([Self.greeting, unknown]).reason
                == #"server asks for the authentication "client_ed25519", which is not supported"#
        )
        // The password in clear text is never given.
        let clear = packet(2, "fe 6d7973716c5f636c6561725f70617373776f7264 00")
        #expect(self.play([Self.greeting, clear]).reason.contains("not supported"))
        #expect(self.play([Self.greeting, packet(2, "fe")]).reason.contains("before MySQL 4.1"))
    }

    @Test func otherServers() {
        let reason = "server did not greet as a MySQL server"
        #expect(play([Array("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n".utf8)]).reason == reason)
        #expect(play([packet(0, "0a")]).reason == reason)
        #expect(
            play([Array("HTTP".utf8)]).reason == reason
        )
        #expect(play([packet(0, "09 352e30 00")]).reason.contains("protocol version 9"))
        #expect(play([packet(0, "0a 33 00 01000000 6162636465666768 00 0000")]).reason.contains("before 4.1"))
    }

    @Test func hostileAnswers() {
        let malformed = "server sent a malformed answer to the query"
        for text in ["fb", "fd", "fe", "fc0000", "fcffff", "fdffffff", "feffffffffffffffff", "00", "00fb", "ff"] {
            #expect(play([Self.greeting, Self.loggedIn, packet(1, text)]).outcome != .up)
        }
        #expect(play([Self.greeting, Self.loggedIn, packet(1, "fcffff")]).reason == malformed)
        #expect(
            play([Self.greeting, Self.loggedIn, packet(1, "fb 2f657463")]).reason == "query asks for a local file"
        )
        #expect(
            play([Self.greeting, hex("ffffff02")]).reason
                == "server sent a packet of 16777215 bytes; at most 65536 are read"
        )
        let columns =
            packet(1, "fc0010")
            + [[UInt8]](repeating: packet(2, String(repeating: "00", count: 4000)), count: 300).joined()
        #expect(play([Self.greeting, Self.loggedIn, columns]).reason == "server sent more than 1048576 bytes")
        #expect(play([]).reason == "server closed the connection before the end of the greeting")
        #expect(play([Self.greeting]).reason == "server closed the connection before the end of the login")
        #expect(
            play([Self.greeting, Self.loggedIn]).reason == "server closed the connection before the end of the query"
        )
        let more = [[UInt8]](repeating: Array(repeatElement(packet(2, "0103"), count: 10_000).joined()), count: 30)
        #expect(play([Self.greeting8] + more).reason == "server sent more than 1048576 bytes")
    }

    @Test func spoiltAnswers() {
        let seed = UInt64.random(in: 0..<1_000_000)
        var fuzzer = Fuzzer(seed: seed)
        let key = MySQLPacket.framed([1] + Array(Self.key.utf8), number: 4)
        let good = [
            [Self.greeting, Self.loggedIn, Self.row],
            [Self.greeting, Self.loggedIn, Self.noRow],
            [
                Self.greeting8, packet(2, "0104"), key, packet(6, "00000002000000"),
                packet(1, "01") + packet(2, "03646566") + packet(3, "0161"),
            ],
            [Self.greeting, packet(2, "ff1504 23 3238303030 6e6f")],
        ]
        for number in 0..<Fuzzer.rounds {
            let answers = good[number % good.count]
            if let fault = fuzzer.round(conversation(), answers, hidden: "sesame-4711", isStream: true) {
                Issue.record("seed \(seed), round \(number): \(fault)")
            }
        }
        #expect((100..<Fuzzer.rounds - 100).contains(fuzzer.ups), "seed \(seed)")
    }
}
