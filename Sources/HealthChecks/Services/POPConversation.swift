// SPDX-License-Identifier: Apache-2.0

/// A login with the best of what the server offers: APOP, CRAM-MD5 (RFC 2195), USER and PASS.
struct POPConversation: LineListener {
    private enum Phase {
        case greeting
        case tls
        case capabilities(offersChallenge: Bool, isListing: Bool)
        case challenge
        case user
        case login
    }

    private let login: POPLogin
    private var phase = Phase.greeting
    var lines = LineBuffer()

    init(_ login: POPLogin) { self.login = login }

    /// Once the server has greeted, and is not amidst an exchange in which the line would be taken for something else.
    var farewell: [UInt8] {
        switch phase {
        case .greeting, .tls, .challenge: []
        case .capabilities, .user, .login: Array("QUIT\r\n".utf8)
        }
    }

    func opening() -> [UInt8] { [] }

    mutating func end() -> ConversationStep {
        switch phase {
        case .greeting: .finish(.down("server closed the connection before its greeting"))
        case .tls: .finish(.down("server closed the connection before the start of TLS"))
        default: .finish(.down("server closed the connection before its answer to the login"))
        }
    }

    /// The greeting's time stamp came before TLS, so it is no longer used: any login is hidden now.
    mutating func secured() -> ConversationStep { greeted("") }

    mutating func accept(_ line: String) -> ConversationStep {
        let isGood = line.hasPrefix("+OK")
        switch phase {
        case .greeting where isGood && login.startsTLS:
            phase = .tls
            return command("STLS")
        case .greeting: return isGood ? greeted(line) : refused("greeting", line)
        case .tls: return isGood ? .startTLS : refused("start of TLS", line)
        case .capabilities(let offersChallenge, let isListing): return listed(line, offersChallenge, isListing)
        case .challenge: return answer(to: line)
        case .user:
            guard isGood else {
                return refused("login", line)
            }
            phase = .login
            return command("PASS \(login.password)")
        case .login: return isGood ? .finish(.up) : refused("login", line)
        }
    }

    private mutating func greeted(_ line: String) -> ConversationStep {
        guard !login.login.isEmpty else {
            return .finish(.up)
        }
        if let stamp = timestamp(line), let digest = MessageDigest.md5.digest(Array((stamp + login.password).utf8)) {
            phase = .login
            return command("APOP \(login.login) \(hexadecimal(digest))")
        }
        phase = .capabilities(offersChallenge: false, isListing: false)
        return command("CAPA")
    }

    private mutating func listed(_ line: String, _ offersChallenge: Bool, _ isListing: Bool) -> ConversationStep {
        guard isListing else {
            if line.hasPrefix("+OK") {
                phase = .capabilities(offersChallenge: false, isListing: true)
                return .wait
            }
            // A server of before CAPA.
            return beginUser()
        }
        guard line == "." else {
            let words = line.uppercased().split(separator: " ")
            let offers = words.first == "SASL" && words.contains("CRAM-MD5")
            phase = .capabilities(offersChallenge: offersChallenge || offers, isListing: true)
            return .wait
        }
        guard offersChallenge else {
            return beginUser()
        }
        phase = .challenge
        return command("AUTH CRAM-MD5")
    }

    private mutating func beginUser() -> ConversationStep {
        phase = .user
        return command("USER \(login.login)")
    }

    private mutating func answer(to line: String) -> ConversationStep {
        guard line.hasPrefix("+ "), let challenge = Base64.decode(line.utf8.dropFirst(2)),
            let digest = MessageDigest.md5.hmac(key: Array(login.password.utf8), challenge)
        else {
            return refused("login", line)
        }
        phase = .login
        return command(Base64.encode(Array("\(login.login) \(hexadecimal(digest))".utf8)))
    }

    /// The time stamp of a greeting that offers APOP: `<...@...>`.
    private func timestamp(_ line: String) -> Substring? {
        guard let start = line.firstIndex(of: "<"), let end = line[start...].firstIndex(of: ">"),
            line[start...end].contains("@")
        else {
            return nil
        }
        return line[start...end]
    }

    private func command(_ text: String) -> ConversationStep { .send(Array((text + "\r\n").utf8)) }

    private func refused(_ what: String, _ line: String) -> ConversationStep {
        .finish(.down("\(what) refused: \(quoted(line.utf8, hiding: login.password))"))
    }
}
