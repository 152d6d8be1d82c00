// SPDX-License-Identifier: Apache-2.0

/// Performs an ``LDAPSearch``: up when exactly one entry comes back and its name matches.
struct LDAPConversation: MessageListener {
    private enum State {
        case startingTLS
        case binding
        case searching
    }

    /// Bytes of one message; an entry without attributes is hardly longer than its name.
    private static let messageLimit = 65536

    private let search: LDAPSearch
    private var state: State
    private var entries: [[UInt8]] = []
    var input = InputBuffer(limit: 4 * messageLimit)

    init(_ search: LDAPSearch) {
        self.search = search
        state = search.startsTLS ? .startingTLS : .binding
    }

    var farewell: [UInt8] { LDAPMessage.unbind(4) }

    func opening() -> [UInt8] { search.startsTLS ? LDAPMessage.startTLS(1) : bind }

    mutating func secured() -> ConversationStep {
        // What came before TLS stood may be anybody's.
        input.clear()
        state = .binding
        return .send(bind)
    }

    mutating func nextMessage() throws(ServiceFault) -> (number: UInt32, LDAPMessage.Response)? {
        guard let length = try BasicEncoding.frame(input.available, limit: Self.messageLimit),
            input.available.count >= length
        else {
            return nil
        }
        guard let message = LDAPMessage.response(input.available.prefix(length)) else {
            throw ServiceFault("server did not answer with an LDAP message")
        }
        input.consume(length)
        return message
    }

    func end() -> ConversationStep { .finish(.down("server closed the connection before the end of the \(stage)")) }

    private var stage: String {
        switch state {
        case .startingTLS: "start of TLS"
        case .binding: "bind"
        case .searching: "search"
        }
    }

    private var number: UInt32 {
        switch state {
        case .startingTLS: 1
        case .binding: 2
        case .searching: 3
        }
    }

    private var bind: [UInt8] {
        let isAnonymous = search.login.isEmpty || search.password.isEmpty
        return LDAPMessage.bind(
            2,
            login: isAnonymous ? "" : search.login,
            password: isAnonymous ? "" : search.password
        )
    }

    mutating func accept(_ message: (number: UInt32, LDAPMessage.Response)) throws(ServiceFault) -> ConversationStep {
        let (number, response) = message
        if case .extended(let result) = response, number == 0 {
            throw ServiceFault("server ends the connection: \(result.description(hiding: search.password))")
        }
        guard number == self.number else {
            throw ServiceFault("server answered message \(number), which does not wait for an answer")
        }
        switch (state, response) {
        case (.startingTLS, .extended(let result)):
            try demandSuccess(result)
            return .startTLS
        case (.binding, .bind(let result)):
            try demandSuccess(result)
            state = .searching
            return .send(LDAPMessage.search(3, base: search.base))
        case (.searching, .entry(let name)):
            entries.append(name)
            guard entries.count == 1 else {
                throw ServiceFault("search of \(base) found more than one entry")
            }
            return .wait
        case (.searching, .reference), (.searching, .intermediate):
            return .wait
        case (.searching, .searchDone(let result)):
            try demandSuccess(result)
            guard !entries.isEmpty else {
                throw ServiceFault("search of \(base) found no entry")
            }
            let name = "name of an entry"
            if let refusal = search.receiveNot?.refusal(of: entries, called: name, hiding: search.password) {
                return .finish(refusal)
            }
            return .finish(
                search.receive?.outcome(on: entries, called: name, hiding: search.password) ?? .up
            )
        default:
            throw ServiceFault("server sent an answer that does not belong to the \(stage)")
        }
    }

    private var base: String { quoted(search.base.utf8) }

    private func demandSuccess(_ result: LDAPMessage.Result) throws(ServiceFault) {
        guard result.code != 0 else {
            return
        }
        let action =
            switch state {
            case .startingTLS: "start of TLS"
            case .binding: "bind"
            case .searching: "search of \(base)"
            }
        throw ServiceFault("\(action) refused: \(result.description(hiding: search.password))")
    }
}
