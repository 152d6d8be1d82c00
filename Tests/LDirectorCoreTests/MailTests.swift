// SPDX-License-Identifier: Apache-2.0
import LDirectorConfig
import LDirectorCore
import Testing

struct MailMessageTests {
    private let origin = MailMessage.Origin(
        address: "root@d1",
        date: "Sat, 21 Nov 2026 13:00:00 +0000",
        identity: "1.2.3@d1"
    )

    private func text(_ message: MailMessage) -> String { String(decoding: message.encoded(origin), as: UTF8.self) }

    @Test func plainMail() {
        let message = MailMessage(
            recipients: ["a@x", "b@y"],
            subject: "Deleted real server",
            lines: ["Director: d1", "."]
        )
        #expect(
            text(message) == """
                From: root@d1\r
                To: a@x,\r
                 b@y\r
                Subject: Deleted real server\r
                Date: Sat, 21 Nov 2026 13:00:00 +0000\r
                Message-ID: <1.2.3@d1>\r
                Auto-Submitted: auto-generated\r
                MIME-Version: 1.0\r
                Content-Type: text/plain; charset=utf-8\r
                Content-Transfer-Encoding: 7bit\r
                \r
                Director: d1\r
                .\r

                """
        )
    }

    @Test func nothingAddsAHeader() {
        let message = MailMessage(
            recipients: ["a@x"],
            sender: "Lab\r\nBcc: c@z",
            subject: "one\ntwo",
            lines: ["x\r\n.\r\nQUIT"]
        )
        let lines = text(message).split(separator: "\r\n", omittingEmptySubsequences: false)
        #expect(lines.contains("From: Lab  Bcc: c@z"))
        #expect(lines.contains("Subject: one two"))
        #expect(lines.contains("x  .  QUIT"))
        #expect(!lines.contains { $0.hasPrefix("Bcc") || $0 == "QUIT" })
    }

    @Test func otherLettersAreEncoded() {
        let message = MailMessage(recipients: ["a@x"], subject: "[Büro] äöü", lines: ["Größe"])
        #expect(text(message).contains("Subject: =?utf-8?B?W0LDvHJvXSDDpMO2w7w=?=\r\n"))
        #expect(text(message).contains("base64\r\n\r\nR3LDtsOfZQ0K\r\n"))
    }

    @Test func longLinesAreFolded() {
        let subject = (0..<40).map { "word\($0)" }.joined(separator: " ")
        let lines = text(
            MailMessage(recipients: ["a@x"], subject: subject, lines: [String(repeating: "x", count: 3000)])
        )
        .split(separator: "\r\n", omittingEmptySubsequences: false)
        #expect(lines.allSatisfy { $0.utf8.count < 998 })
        let start = lines.firstIndex { $0.hasPrefix("Subject:") } ?? 0
        let header = lines[start...].prefix { $0.hasPrefix("Subject:") || $0.hasPrefix(" ") }
        #expect(header.count > 2)
        #expect(header.joined() == "Subject: \(subject)")
    }
}

struct SMTPConversationTests {
    private func conversation(_ recipients: [String] = ["a@x", "b@y"]) -> SMTPConversation {
        SMTPConversation(
            host: "d1",
            sender: "root@d1",
            recipients: recipients,
            content: Array("Subject: s\r\n\r\n.x\r\n".utf8)
        )
    }

    /// Plays a server's replies; the client's words come back, and how it ended.
    private func play(
        _ replies: [String],
        _ recipients: [String] = ["a@x", "b@y"]
    ) -> (said: [String], outcome: SMTPConversation.Outcome?) {
        var conversation = conversation(recipients)
        var said: [String] = []
        for reply in replies {
            // In pieces of one byte: a reply may come in any number of segments.
            for byte in (reply + "\r\n").utf8 {
                switch conversation.receive([byte]) {
                case .wait: break
                case .send(let bytes): said.append(String(decoding: bytes, as: UTF8.self))
                case .end(let outcome, _): return (said, outcome)
                }
            }
        }
        return (said, nil)
    }

    @Test func accepted() {
        let (said, outcome) = play([
            "220-hello", "220 there", "250-d2\r\n250 8BITMIME", "250 ok", "250 ok", "251 ok", "354 go", "250 queued",
        ])
        #expect(outcome == .accepted(refused: []))
        #expect(
            said == [
                "EHLO d1\r\n", "MAIL FROM:<root@d1>\r\n", "RCPT TO:<a@x>\r\n", "RCPT TO:<b@y>\r\n", "DATA\r\n",
                "Subject: s\r\n\r\n..x\r\n.\r\n",
            ]
        )
    }

    @Test func oldServer() {
        let (said, outcome) = play(["220 x", "502 what", "250 x", "250 x", "250 x", "354 x", "250 x"], ["a@x"])
        #expect(outcome == .accepted(refused: []))
        #expect(said[1] == "HELO d1\r\n")
    }

    @Test func someRecipientsAreRefused() {
        let (_, outcome) = play(["220 x", "250 x", "250 x", "550 no such user", "250 x", "354 x", "250 x"])
        #expect(outcome == .accepted(refused: ["a@x"]))
    }

    @Test(arguments: [
        (["554 no"], SMTPConversation.Outcome.rejected("554 no")),
        (["421 busy"], .deferred("421 busy")),
        (["220 x", "250 x", "451 later"], .deferred("451 later")),
        (["220 x", "250 x", "250 x", "550 no", "550 no"], .rejected("550 no")),
        (["220 x", "250 x", "250 x", "450 grey", "550 no"], .deferred("450 grey")),
        (["220 x", "250 x", "250 x", "250 x", "250 x", "354 x", "452 full"], .deferred("452 full")),
        (["nonsense"], .deferred("nonsense")),
    ])
    func refused(_ replies: [String], _ outcome: SMTPConversation.Outcome) {
        #expect(play(replies).outcome == outcome)
    }

    @Test func endlessReplyEnds() {
        var conversation = conversation()
        var step = SMTPConversation.Step.wait
        for _ in 0..<100 where step == .wait {
            step = conversation.receive(Array(repeating: UInt8(ascii: "2"), count: 1000))
        }
        #expect(step == .end(.deferred("the server's answer is too long"), farewell: Array("QUIT\r\n".utf8)))
    }
}

struct AlertBookTests {
    private static let mail = "emailalert=\"a@x, b@y\"\n"

    private func alert(
        _ line: String,
        _ phase: MailSettings.Phase = .running,
        _ name: String? = nil,
        aside: Bool = false
    ) -> Alert {
        var mail = MailSettings()
        mail.recipients = ["a@x"]
        mail.phases = [.running]
        return Alert(line, phase: phase, mail: mail, serviceName: name, comment: "call us", isAside: aside)
    }

    @Test func A42_onlyTheWantedPhases() {
        var book = AlertBook()
        book.add(alert("added", .starting))
        #expect(!book.hasMail)
        book.add(alert("deleted"))
        let mails = book.takeMails(from: "d1")
        #expect(mails.map(\.subject) == ["deleted"])
        #expect(mails.first?.lines == ["Director: d1", "deleted", "Status: running", "Comment: call us"])
        #expect(book.takeMails(from: "d1").isEmpty)
    }

    @Test func oneMailForWhatHappensTogether() {
        var book = AlertBook()
        book.add(alert("first", .running, "web"))
        book.add(alert("second", .running, "web"))
        book.add(alert("other", .running, "ftp"))
        let mails = book.takeMails(from: "d1")
        #expect(mails.map(\.subject) == ["[web] first (and 1 more)", "[ftp] other"])
    }

    @Test func fallbackAloneIsNoMail() {
        var book = AlertBook()
        book.add(alert("Added fallback server", aside: true))
        #expect(!book.hasMail)
        book.add(alert("Deleted real server"))
        #expect(
            book.takeMails(from: "d1").map(\.lines) == [
                [
                    "Director: d1", "Added fallback server", "Deleted real server", "Status: running",
                    "Comment: call us",
                ]
            ]
        )
    }

    @Test func stormIsBounded() {
        var book = AlertBook()
        for number in 0..<5000 {
            book.add(alert("event \(number)"))
        }
        let mails = book.takeMails(from: "d1")
        #expect(mails.map(\.subject) == ["event 0 (and 4999 more)"])
        #expect(mails.first.map { $0.lines.count < 600 } == true)
    }

    @Test func A42_remindersUntilRecovery() throws {
        var bench = try Bench(
            "emailalert=a@x\nemailalertfreq=60\nvirtual=10.9.0.1:80\n\treal=10.1.0.1:80 masq\n\tchecktype=connect\n\tfallback=127.0.0.1:80\n"
        )
        var book = AlertBook()
        var now = SuspendingClock.now
        func reminders(after seconds: Int) -> Int {
            now += .seconds(seconds)
            book.remind(of: bench.director, phase: .running, at: now)
            return book.takeMails(from: "d1").count
        }
        #expect(reminders(after: 100) == 0, "not checked yet")
        bench.fail("10.1.0.1")
        #expect(reminders(after: 0) == 0)
        #expect(reminders(after: 59) == 0)
        #expect(reminders(after: 1) == 1)
        #expect(reminders(after: 59) == 0)
        #expect(reminders(after: 1) == 1)
        bench.up("10.1.0.1")
        #expect(reminders(after: 1000) == 0, "it is up, and nobody is reminded of a fallback server")
        bench.fail("10.1.0.1")
        #expect(reminders(after: 1) == 0)
        #expect(reminders(after: 60) == 1)
        try bench.install(
            "emailalert=a@x\nemailalertfreq=60\nvirtual=10.9.0.2:80\n\treal=10.1.0.2:80 masq\n\tchecktype=connect\n"
        )
        #expect(reminders(after: 1000) == 0, "it is configured no more")
    }
}
