// SPDX-License-Identifier: Apache-2.0

/// A short exchange of lines: for each step, text that is sent and the beginnings of the final line of a good answer.
public struct LineDialogue: Hashable, Sendable {
    /// One step of the exchange.
    public struct Step: Hashable, Sendable {
        /// What is sent, without the line end; nil when the server speaks first.
        public var send: String?

        /// The answer is good when it begins with one of these.
        public var accept: [String]

        /// What the step is called in a reason ("greeting").
        public var name: String

        /// Another text to try when the answer is a refusal (SMTP's HELO after EHLO).
        public var otherwise: String?

        /// Whether TLS begins after a good answer (STARTTLS).
        public var beginsTLS: Bool

        /// Describes a step.
        public init(
            _ name: String,
            send: String? = nil,
            accept: [String],
            otherwise: String? = nil,
            beginsTLS: Bool = false
        ) {
            self.name = name
            self.send = send
            self.accept = accept
            self.otherwise = otherwise
            self.beginsTLS = beginsTLS
        }
    }

    /// The steps in order.
    public var steps: [Step]

    /// Whether `250-text` announces that more lines follow (SMTP, FTP, NNTP status lines).
    public var hasContinuations: Bool

    /// Whether only lines that begin with the step's tag count as answers (IMAP: the first word sent).
    public var isTagged: Bool

    /// Sent at the end as a courtesy; the answer is not waited for.
    public var farewell: String?

    /// A password among what is sent: it is hidden where a reason repeats the server's words.
    public var secret: String

    /// Joins the steps.
    public init(
        _ steps: [Step],
        hasContinuations: Bool = false,
        isTagged: Bool = false,
        farewell: String? = nil,
        secret: String = ""
    ) {
        self.steps = steps
        self.secret = secret
        self.hasContinuations = hasContinuations
        self.isTagged = isTagged
        self.farewell = farewell
    }

    /// SMTP (RFC 5321): greeting 220, EHLO, or HELO where that is refused; with STARTTLS (RFC 3207) EHLO once more over TLS.
    public static func smtp(name: String = "localhost.localdomain", startsTLS: Bool = false) -> LineDialogue {
        let hello = Step("hello", send: "EHLO \(name)", accept: ["250"], otherwise: startsTLS ? nil : "HELO \(name)")
        let secured = [Step("start of TLS", send: "STARTTLS", accept: ["220"], beginsTLS: true), hello]
        return LineDialogue(
            [Step("greeting", accept: ["220"]), hello] + (startsTLS ? secured : []),
            hasContinuations: true,
            farewell: "QUIT"
        )
    }

    /// NNTP (RFC 3977): any greeting that begins with 2; with STARTTLS (RFC 4642) the handshake, too.
    public static func nntp(startsTLS: Bool = false) -> LineDialogue {
        let secured = [Step("start of TLS", send: "STARTTLS", accept: ["382"], beginsTLS: true)]
        return LineDialogue([Step("greeting", accept: ["2"])] + (startsTLS ? secured : []), farewell: "QUIT")
    }

    /// IMAP4 (RFC 9051): the greeting, TLS when it is to be started, and a login when both are given.
    public static func imap(login: String, password: String, startsTLS: Bool = false) -> LineDialogue {
        // Where the connection is logged in from the start there is no way to TLS.
        var steps = [Step("greeting", accept: startsTLS ? ["* OK"] : ["* OK", "* PREAUTH"])]
        if startsTLS {
            steps.append(Step("start of TLS", send: "a0 STARTTLS", accept: ["a0 OK"], beginsTLS: true))
        }
        if !login.isEmpty {
            steps.append(
                Step("login", send: "a1 LOGIN \(imapQuoted(login)) \(imapQuoted(password))", accept: ["a1 OK"])
            )
        }
        return LineDialogue(steps, isTagged: true, farewell: "a2 LOGOUT", secret: password)
    }

    private static func imapQuoted(_ text: String) -> String {
        "\"" + text.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "\""
    }
}
