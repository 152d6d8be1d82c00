// SPDX-License-Identifier: Apache-2.0

/// What the value of a directive looks like.
public enum ValueGrammar: Sendable, Hashable {
    /// How a text is written.
    public enum Quotes: Sendable, Hashable {
        /// Double quotes are a must.
        case required
        /// Double quotes are usual; the Perl program refuses the value without.
        case expected
        /// Surrounding double quotes are taken away.
        case optional
        /// Double quotes are part of the value.
        case verbatim
    }

    /// `address:port`, `name:port` or a firewall mark.
    case virtualAddress
    /// `host[->host][:port] forward [weight] ["request", "receive"] [l:N] [u:N]`.
    case realServer
    /// `host[:port] [forward]`.
    case fallback
    /// Seconds, with a fraction when written with a decimal point; zero only where allowed.
    case seconds(allowsZero: Bool, allowsFraction: Bool, maximum: Int)
    /// A number above zero.
    case count
    /// A share from 1 to 100; a percent sign may follow.
    case percent
    /// A port, 1...65535.
    case port
    /// `yes` or `no`.
    case flag
    /// `yes`, `no`, or the directive alone for yes.
    case flagOrAlone
    /// Text, never empty.
    case text(Quotes)
    /// A Perl 5 regular expression, never empty.
    case pattern
    /// One of these words; text after it is ignored.
    case word([String])
    /// The same, in any case of letters.
    case anyCaseWord([String])
    /// Words of which several may be written, joined with commas, in any case of letters.
    case anyCaseWordList([String])
    /// One of these, whole; quotes around it are passed over.
    case oneOf([String])
    /// HTTP statuses and ranges of them, joined with commas.
    case statusList
    /// A header field of HTTP.
    case header
    /// 64 hexadecimal digits.
    case sha256
    /// A check type word or a number of connect checks.
    case checkType
    /// The name of a scheduler: small letters, digits, `-`, `_`.
    case schedulerName
    /// Words joined with commas, without blanks.
    case flagList
    /// A dotted quad in a `virtual` block, a prefix length in a `virtual6` block.
    case netmask
    /// Mail addresses joined with commas.
    case mailAddresses
    /// Words of ``MailSettings/Phase``, `all` or `none`, joined with commas.
    case phases
    /// A host name or IPv4 address; text after it is ignored.
    case host
    /// An address with a port, or the path of a local socket.
    case endpoint
    /// A literal IPv4 or IPv6 address.
    case address
    /// The name of a network interface.
    case interface
    /// A weight, 0...65535.
    case weight
    /// No longer a directive; names its successor.
    case obsolete(successor: DirectiveName)

    /// The form of the value in a few words, for help texts and messages.
    public var syntax: String {
        switch self {
        case .virtualAddress: "ADDRESS:PORT | NAME:PORT | MARK"
        case .realServer:
            "HOST[->HOST][:PORT] gate|masq|ipip|gue:PORT|gre [WEIGHT] [\"REQUEST\", \"RECEIVE\"] [l:N] [u:N]"
        case .fallback: "HOST[:PORT] [gate|masq|ipip|gue:PORT|gre]"
        case .seconds(let allowsZero, let allowsFraction, _):
            "SECONDS" + (allowsZero ? " (0 is off)" : "") + (allowsFraction ? ", such as 5, 2.5 or 200ms" : "")
        case .count: "NUMBER above 0"
        case .percent: "PERCENT, 1 to 100"
        case .port: "PORT, 1 to 65535"
        case .flag: "yes | no"
        case .flagOrAlone: "[yes | no]"
        case .text(.required), .text(.expected): "\"TEXT\""
        case .text(.optional): "TEXT | \"TEXT\""
        case .text(.verbatim): "TEXT"
        case .pattern: "\"REGULAR EXPRESSION\""
        case .word(let words), .anyCaseWord(let words), .oneOf(let words): words.joined(separator: " | ")
        case .anyCaseWordList(let words): "any of " + words.joined(separator: ", ")
        case .statusList: "STATUS[-STATUS][,...], such as 200-299,401"
        case .header: "\"NAME: VALUE\""
        case .sha256: "64 hexadecimal digits"
        case .checkType: "connect | negotiate | ping | off | on | external | external-perl | NUMBER"
        case .schedulerName: "NAME"
        case .flagList: "FLAG[,FLAG...]"
        case .netmask: "A.B.C.D | PREFIX LENGTH in a virtual6 block"
        case .mailAddresses: "ADDRESS[, ADDRESS...]"
        case .phases: "all | none | starting, running, stopping, reloading"
        case .host: "HOST"
        case .endpoint: "ADDRESS:PORT | /PATH"
        case .address: "ADDRESS"
        case .interface: "INTERFACE"
        case .weight: "WEIGHT, 0 to 65535"
        case .obsolete(let successor): "use \(successor.rawValue)"
        }
    }
}
