// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Testing

@testable import HealthChecks

/// Answers of PostgreSQL 15 to the nonce of generator 7, and answers that no server should send.
@Suite(.timeLimit(.minutes(10)))
struct ServicesPostgresTests {
    private static let mechanisms = hex(
        """
        52000000170000000a534352414d2d5348412d3235360000
        """
    )
    private static let serverFirst = hex(
        """
        520000005c0000000b723d3178774379396f523976356861657373546a446d2b4b2f48597a6c342b4453444d58646d6d43504633596b5147
        5456472c733d6b73494d2f63694e764d48524e4935616c4a667464673d3d2c693d34303936
        """
    )
    private static let serverFinal = hex(
        """
        52000000360000000c763d6369725030373654387345744d6b6a362b53504f4c65415179573838464a464c3174746c696342706b646f3d
        """
    )
    /// AuthenticationOk, fourteen parameters, the key for cancelling, ready.
    private static let welcome = hex(
        """
        52000000080000000053000000206170706c69636174696f6e5f6e616d65006c6469726563746f7264005300000019636c69656e745f656e
        636f64696e670055544638005300000017446174655374796c650049534f2c204d445900530000002664656661756c745f7472616e736163
        74696f6e5f726561645f6f6e6c79006f6666005300000017696e5f686f745f7374616e646279006f6666005300000019696e74656765725f
        6461746574696d6573006f6e00530000001b496e74657276616c5374796c6500706f73746772657300530000001569735f73757065727573
        6572006f66660053000000197365727665725f656e636f64696e6700555446380053000000327365727665725f76657273696f6e0031352e
        3138202844656269616e2031352e31382d302b646562313275312900530000002273657373696f6e5f617574686f72697a6174696f6e0063
        6865636b65720053000000237374616e646172645f636f6e666f726d696e675f737472696e6773006f6e00530000001554696d655a6f6e65
        004574632f555443004b0000000c0000403cbe6eb5ee5a0000000549
        """
    )
    private static let row = hex(
        """
        540000001d00016e616d650000003506000100000019ffffffffffff0000440000000f000100000005616c697665430000000d53454c4543
        542031005a0000000549
        """
    )
    private static let noRow = hex(
        """
        540000001d00016e616d650000003506000100000019ffffffffffff0000430000000d53454c4543542030005a0000000549
        """
    )
    private static let md5 = hex(
        """
        520000000c00000005b286af8d
        """
    )
    private static let refused = hex(
        """
        450000006753464154414c0056464154414c00433238503031004d70617373776f72642061757468656e7469636174696f6e206661696c65
        6420666f7220757365722022636865636b6572220046617574682e63004c3333340052617574685f6661696c65640000
        """
    )

    private func conversation(query: String = "SELECT name FROM alive", startsTLS: Bool = false) -> PostgresConversation
    {
        var random = SeededGenerator(seed: 7)
        let login = PostgresLogin(
            login: "checker",
            password: "sesame-4711",
            database: "health",
            query: query,
            startsTLS: startsTLS
        )
        return PostgresConversation(login, using: &random)
    }

    private func play(_ answers: [[UInt8]], slice: Int = .max) -> Play { Play(conversation(), answers, slice: slice) }

    private func message(_ type: Character, _ body: [UInt8]) -> [UInt8] { PostgresMessage.message(type, body) }

    private func error(_ text: String) -> [UInt8] {
        message("E", Array("SFATAL\0C28P01\0M\(text)\0\0".utf8))
    }

    @Test func scram() {
        let answers = [Self.mechanisms, Self.serverFirst, Self.serverFinal + Self.welcome, Self.row]
        for slice in [1, 4, 100, Int.max] {
            let play = play(answers, slice: slice)
            #expect(play.outcome == .up)
            let startup = """
                00000042000300007573657200636865636b6572006170706c69636174696f6e5f6e616d65006c6469726563746f7264
                006461746162617365006865616c74680000
                """
            let first = """
                7000000036534352414d2d5348412d32353600000000206e2c2c6e3d2c723d3178774379396f523976356861657373546a446d2b4b2f48
                """
            let final = """
                700000006c633d626977732c723d3178774379396f523976356861657373546a446d2b4b2f48597a6c342b4453444d58646d6d43504633
                596b51475456472c703d366b39325a6c65414a4e68452b62326177647858735663792f644d67705a72784454346d6a5151444435513d
                """
            let query = "510000001b53454c454354206e616d652046524f4d20616c69766500"
            #expect(play.sent == [hex(startup), hex(first), hex(final), hex(query)])
        }
    }

    @Test func exampleOfTheStandard() throws {
        // RFC 7677 section 3.
        var exchange = SCRAMExchange(login: "user", password: "pencil", nonce: "rOprNGfwEbeRWgbNEkqO")
        #expect(exchange.first == Array("n,,n=user,r=rOprNGfwEbeRWgbNEkqO".utf8))
        let nonce = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
        let final = try exchange.final(answering: Array("\(nonce),s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096".utf8))
        #expect(final == Array("c=biws,\(nonce),p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=".utf8))
        #expect(exchange.isProof(Array("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=".utf8)))
        #expect(!exchange.isProof(Array("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=".utf8)))
        #expect(!exchange.isProof(Array("v=".utf8)))
        #expect(!exchange.isProof(Array("e=other-error".utf8)))
    }

    @Test func otherWaysToLogIn() {
        let digest = play([Self.md5, Self.welcome, Self.row])
        #expect(digest.outcome == .up)
        #expect(digest.sent[1] == message("p", Array("md5391ddbd46c76cd96e511cadb4fe0ad7c\0".utf8)))
        let clear = play([message("R", hex("00000003")), Self.welcome, Self.row])
        #expect(clear.outcome == .up)
        #expect(clear.sent[1] == message("p", Array("sesame-4711\0".utf8)))
        #expect(play([Self.welcome, Self.row]).outcome == .up)
        #expect(Play(conversation(query: ""), [Self.welcome]).outcome == .up)
    }

    @Test func goodBye() {
        #expect(play([Self.mechanisms, Self.serverFirst, Self.serverFinal]).farewell.isEmpty)
        #expect(play([Self.welcome, Self.row]).farewell == hex("5800000004"))
        #expect(Play(conversation(query: ""), [Self.welcome]).farewell == hex("5800000004"))
    }

    @Test func queries() {
        #expect(play([Self.welcome, Self.noRow]).reason == "query brought no row")
        #expect(play([Self.welcome, Self.noRow], slice: 1).reason == "query brought no row")
        #expect(play([Self.welcome, hex("430000000d5550444154452031005a0000000549")]).outcome == .up)
        #expect(play([Self.welcome, hex("49000000045a0000000549")]).reason == "query brought no row")
        let twice = """
            540000002100013f636f6c756d6e3f00000000000000000000170004ffffffff0000430000000d53454c454354203000
            540000002100013f636f6c756d6e3f00000000000000000000170004ffffffff0000440000000b000100000001324300
            """
        #expect(play([Self.welcome, hex(twice)]).outcome == .up)
        #expect(
            play([Self.welcome, hex("47000000090000010000")]).reason == "query is a COPY, which a check cannot run"
        )
        // Of a row no more is needed than that it begins.
        #expect(play([Self.welcome, hex("447fffffff")]).outcome == .up)
    }

    @Test func refusals() {
        #expect(
            play([Self.mechanisms, Self.serverFirst, Self.refused]).reason
                == #"login refused: FATAL 28P01 "password authentication failed for user "checker"""#
        )
        let syntax = """
            450000005e534552524f5200564552524f5200433432363031004d73796e746178206572726f72206174206f72206e656172202253454c
            454b542200503100467363616e2e6c004c3131383800527363616e6e65725f79796572726f7200005a0000000549
            """
        #expect(
            play([Self.welcome, hex(syntax)]).reason
                == #"query refused: ERROR 42601 "syntax error at or near "SELEKT"""#
        )
        #expect(play([error("no sesame-4711 here")]).reason == #"login refused: FATAL 28P01 "no *** here""#)
        let everywhere = message("E", Array("Ssesame-4711\0C1sesame-4711\0Msesame-4711\0\0".utf8))
        #expect(play([everywhere]).reason == #"login refused: *** 1*** "***""#)
        #expect(play([message("E", [])]).reason == "login refused: \"\"")
        #expect(play([message("E", [77])]).reason == "login refused: \"\"")
    }

    @Test func startOfTLS() {
        let play = Play(conversation(startsTLS: true), [[0x53], Self.welcome, Self.row])
        #expect(play.startedTLS)
        #expect(play.outcome == .up)
        #expect(play.sent.first == hex("0000000804d2162f"))
        for (answer, reason) in [
            ([0x4e], "server does not offer TLS"), ([0x45], "server refused to start TLS"),
            ([0x53] + Self.welcome, "server sent data before TLS stood"),
            ([0x48], "server did not answer as a PostgreSQL server"),
            ([], "server closed the connection before the end of the start of TLS"),
        ] as [([UInt8], String)] {
            #expect(Play(conversation(startsTLS: true), [answer]).reason == reason)
        }
    }

    @Test func serverThatDoesNotKnowThePassword() {
        var forged = Self.serverFinal
        forged[20] ^= 1
        #expect(
            play([Self.mechanisms, Self.serverFirst, forged]).reason
                == "server does not prove that it knows the password"
        )
        #expect(
            play([Self.mechanisms, Self.serverFirst, Self.welcome]).reason
                == "server lets us in without proof that it knows the password"
        )
        #expect(
            play([Self.mechanisms, Self.serverFirst, Self.serverFinal, message("R", hex("00000003"))]).reason
                == "server sent a message that does not belong to the login"
        )
    }

    @Test(arguments: [
        ("r=other,s=ksIM/ciNvMHRNI5alJftdg==,i=4096", "server answered another client's SCRAM message"),
        (
            "r=1xwCy9oR9v5haessTjDm+K/H,s=ksIM/ciNvMHRNI5alJftdg==,i=4096",
            "server answered another client's SCRAM message"
        ),
        (
            "r=1xwCy9oR9v5haessTjDm+K/HYz,s=ksIM/ciNvMHRNI5alJftdg==,i=100001",
            "server asks for 100001 SCRAM rounds; at most 100000 are made"
        ),
        ("r=1xwCy9oR9v5haessTjDm+K/HYz,s=ksIM/ciNvMHRNI5alJftdg==,i=0", "server sent a malformed SCRAM message"),
        ("r=1xwCy9oR9v5haessTjDm+K/HYz,s=ksIM/ciNvMHRNI5alJftdg==,i=-1", "server sent a malformed SCRAM message"),
        ("r=1xwCy9oR9v5haessTjDm+K/HYz,s=ksIM*,i=4096", "server sent a malformed SCRAM message"),
        ("r=1xwCy9oR9v5haessTjDm+K/HYz,s=,i=4096", "server sent a malformed SCRAM message"),
        ("m=x,r=1xwCy9oR9v5haessTjDm+K/HYz,s=ksIM,i=4096", "server sent a malformed SCRAM message"),
        ("", "server sent a malformed SCRAM message"),
    ])
    func hostileSCRAM(text: String, reason: String) {
        let first = message("R", hex("0000000b") + Array(text.utf8))
        #expect(play([Self.mechanisms, first]).reason == reason)
    }

    @Test func hostileAnswers() {
        let stranger = "server did not answer as a PostgreSQL server"
        #expect(play([Array("SSH-2.0-OpenSSH_9.2p1\r\n".utf8)]).reason != "waiting")
        #expect(play([Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)]).reason != "up")
        #expect(play([Array("220 mail.example\r\n".utf8)]).reason == stranger)
        #expect(play([hex("5200000003")]).reason == "server sent a malformed message")
        #expect(
            play([hex("52ffffffff")]).reason == "server sent a message of 4294967295 bytes; at most 65536 are read"
        )
        #expect(play([message("R", [])]).reason == "server sent a malformed message")
        #expect(
            play([message("R", hex("00000007"))]).reason
                == "server asks for an authentication (7) that is not supported"
        )
        #expect(
            play([message("R", hex("0000000a") + Array("SCRAM-SHA-256-PLUS\0OTHER\0\0".utf8))]).reason
                == "server asks for an authentication other than SCRAM-SHA-256, which is not supported"
        )
        #expect(
            play([message("Z", [0x49])]).reason == "server sent a message that does not belong to the login"
        )
        let notice = [[UInt8]](repeating: Array(repeatElement(message("N", [0]), count: 10_000).joined()), count: 30)
        #expect(play(notice).reason == "server sent more than 1048576 bytes")
        #expect(play([]).reason == "server closed the connection before the end of the login")
        #expect(play([Self.welcome]).reason == "server closed the connection before the end of the query")
    }

    @Test func base64() {
        // RFC 4648 section 10.
        for (text, code) in [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            #expect(Base64.encode(Array(text.utf8)) == code)
            #expect(Base64.decode(code.utf8) == Array(text.utf8))
        }
        for text in ["Z", "Zg", "Zg=", "Zg===", "Z===", "====", "Zg==Zg==", "Zh==", "Zm9=", "Zm9v\n", "Zm-_"] {
            #expect(Base64.decode(text.utf8) == nil, "\(text)")
        }
    }

    @Test func spoiltAnswers() {
        let seed = UInt64.random(in: 0..<1_000_000)
        var fuzzer = Fuzzer(seed: seed)
        let good = [
            [Self.mechanisms, Self.serverFirst, Self.serverFinal + Self.welcome, Self.row],
            [Self.md5, Self.welcome, Self.noRow],
            [message("R", hex("00000003")), Self.welcome, Self.row],
            [message("R", hex("00000003")), error("no sesame-4711")],
            [[0x53], Self.welcome, Self.row],
        ]
        for number in 0..<Fuzzer.rounds {
            let turn = number % good.count
            let talk = conversation(startsTLS: turn == 4)
            if let fault = fuzzer.round(talk, good[turn], hidden: "sesame-4711", isStream: true) {
                Issue.record("seed \(seed), round \(number): \(fault)")
            }
        }
        #expect((100..<Fuzzer.rounds - 100).contains(fuzzer.ups), "seed \(seed)")
    }
}
