// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// The talk with an FTP server on its control connection, and what comes on the data connection, without I/O.
///
/// The data connection always goes to the server itself, whatever address its answer to PASV names: a check must not be
/// sent to others.
struct FTPDialogue {
    /// What is to be done next.
    enum Action: Equatable {
        case wait
        case send(String)
        /// A data connection to this port of the server, and this text on the control connection.
        case openData(port: UInt16, send: String)
        /// TLS begins on the control connection; ``FTPDialogue/secured()`` goes on.
        case startTLS
        case finish(CheckOutcome)
    }

    /// Bytes of the file that are looked at; the rest of a longer file is not waited for.
    static let fileLimit = 65536

    private enum Phase {
        case greeting
        case tls
        case user
        case password
        case bufferSize
        case protection
        case type
        case passive(isExtended: Bool)
        case transfer(isComplete: Bool)
    }

    private let retrieval: FTPRetrieval
    private var triesExtended: Bool
    private var phase = Phase.greeting
    private var lines = LineBuffer()
    private var openReply: Substring?
    private var file: [UInt8] = []
    private var isDataEnded = false

    /// - Parameters:
    ///   - retrieval: What is wanted.
    ///   - family: IPv6 has only EPSV; with IPv4 PASV comes first, which every server knows.
    init(_ retrieval: FTPRetrieval, _ family: IPAddress.Family) {
        self.retrieval = retrieval
        triesExtended = family == .ipv6
    }

    /// Takes bytes of the control connection.
    mutating func receive(_ bytes: ArraySlice<UInt8>) -> Action {
        do {
            try lines.append(bytes)
            while let line = try lines.next() {
                guard let reply = completeReply(line) else {
                    continue
                }
                let action = accept(reply)
                if action != .wait {
                    return action
                }
            }
        } catch {
            return .finish(.down(error.description))
        }
        return .wait
    }

    /// TLS stands on the control connection.
    mutating func secured() -> Action {
        phase = .user
        return .send("USER \(retrieval.login)")
    }

    /// The server closed the control connection.
    func end() -> Action {
        let name =
            switch phase {
            case .greeting: "greeting"
            case .tls: "answer to AUTH TLS"
            case .user, .password: "answer to the login"
            default: "answer to the transfer"
            }
        return .finish(.down("server closed the connection before its \(name)"))
    }

    /// Takes bytes of the file.
    mutating func receiveData(_ bytes: ArraySlice<UInt8>) -> Action {
        file.append(contentsOf: bytes.prefix(Self.fileLimit - file.count))
        return file.count < Self.fileLimit ? .wait : .finish(judgement)
    }

    /// The file is over.
    mutating func endData() -> Action {
        isDataEnded = true
        if case .transfer(true) = phase {
            return .finish(judgement)
        }
        return .wait
    }

    /// A reply may take several lines: `220-text` up to `220 text` (RFC 959, 4.2).
    private mutating func completeReply(_ line: String) -> String? {
        let code = line.prefix(3)
        if let open = openReply {
            guard code == open, line.dropFirst(3).first == " " else {
                return nil
            }
            openReply = nil
            return line
        }
        if line.dropFirst(3).first == "-" {
            openReply = code
            return nil
        }
        return line
    }

    private mutating func accept(_ reply: String) -> Action {
        let kind = reply.first
        switch phase {
        case .greeting:
            guard kind == "2" else {
                return kind == "1" ? .wait : refused("greeting", reply)
            }
            phase = retrieval.startsTLS ? .tls : .user
            return .send(retrieval.startsTLS ? "AUTH TLS" : "USER \(retrieval.login)")
        case .tls:
            guard kind == "2" else {
                return refused("start of TLS", reply)
            }
            // What came before TLS stood may be anybody's.
            lines.discard()
            return .startTLS
        case .user:
            if kind == "3" {
                phase = .password
                return .send("PASS \(retrieval.password)")
            }
            return kind == "2" ? loggedIn() : refused("login", reply)
        case .password: return kind == "2" ? loggedIn() : refused("login", reply)
        case .bufferSize:
            phase = .protection
            return .send("PROT P")
        case .protection:
            guard kind == "2" else {
                return refused("protection of the transfer", reply)
            }
            return setType()
        case .type:
            // A server that refuses the type may still send the file.
            return askForData()
        case .passive(let isExtended): return passive(reply, isExtended)
        case .transfer: return transferred(reply)
        }
    }

    private mutating func loggedIn() -> Action {
        guard retrieval.path != nil else {
            return .finish(.up)
        }
        guard retrieval.startsTLS else {
            return setType()
        }
        // RFC 4217, 9: PROT needs a PBSZ before it, whose answer does not matter.
        phase = .bufferSize
        return .send("PBSZ 0")
    }

    private mutating func setType() -> Action {
        phase = .type
        return .send("TYPE I")
    }

    private mutating func askForData() -> Action {
        phase = .passive(isExtended: triesExtended)
        return .send(triesExtended ? "EPSV" : "PASV")
    }

    private mutating func passive(_ reply: String, _ isExtended: Bool) -> Action {
        guard let port = isExtended ? Self.extendedPort(reply) : Self.passivePort(reply) else {
            if !isExtended, reply.first == "5" {
                triesExtended = true
                return askForData()
            }
            return refused("passive mode", reply)
        }
        phase = .transfer(isComplete: false)
        return .openData(port: port, send: "RETR \(retrieval.path ?? "/")")
    }

    private mutating func transferred(_ reply: String) -> Action {
        switch reply.first {
        case "1": return .wait
        case "2":
            phase = .transfer(isComplete: true)
            return isDataEnded ? .finish(judgement) : .wait
        default: return refused("transfer", reply)
        }
    }

    private var judgement: CheckOutcome {
        Pattern.outcome(of: file, "the file", with: retrieval.receive, without: retrieval.receiveNot)
    }

    private func refused(_ what: String, _ reply: String) -> Action {
        .finish(.down("\(what) refused: \(quoted(reply.utf8, hiding: retrieval.password))"))
    }

    /// The port of `227 Entering Passive Mode (h1,h2,h3,h4,p1,p2)`.
    static func passivePort(_ reply: String) -> UInt16? {
        guard reply.hasPrefix("227") else {
            return nil
        }
        let numbers = reply.dropFirst(3).split { !$0.isASCII || !($0.isNumber || $0 == ",") }.first { $0.contains(",") }
        let parts = numbers?.split(separator: ",", omittingEmptySubsequences: false).map { UInt8($0) } ?? []
        guard parts.count == 6, let high = parts[4], let low = parts[5], high != 0 || low != 0 else {
            return nil
        }
        return UInt16(high) << 8 | UInt16(low)
    }

    /// The port of `229 Entering Extended Passive Mode (|||port|)`.
    static func extendedPort(_ reply: String) -> UInt16? {
        guard reply.hasPrefix("229"), let open = reply.firstIndex(of: "(") else {
            return nil
        }
        let inner = reply[reply.index(after: open)...]
        guard let mark = inner.first else {
            return nil
        }
        let parts = inner.split(separator: mark, maxSplits: 4, omittingEmptySubsequences: false)
        return parts.count == 5 ? UInt16(parts[3]).flatMap { $0 == 0 ? nil : $0 } : nil
    }
}
