// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// The talk with a server over one connection as a value: bytes in, bytes or a verdict out, no I/O.
///
/// Over TCP the bytes come in whatever portions; over UDP each call brings one datagram of the server.
protocol Conversation {
    /// What is sent as soon as the connection stands; empty when the server speaks first.
    mutating func opening() -> [UInt8]

    /// Whether this side ends right after the opening: some servers answer only then.
    var endsAfterOpening: Bool { get }

    /// Takes bytes that came.
    mutating func receive(_ bytes: ArraySlice<UInt8>) -> ConversationStep

    /// The server closed its side (never over UDP).
    mutating func end() -> ConversationStep

    /// TLS stands, after ``ConversationStep/startTLS``.
    mutating func secured() -> ConversationStep

    /// What is sent as a courtesy before the connection is closed after the verdict; empty for nothing.
    ///
    /// Many servers write a line about a client that leaves without a good-bye, for each check of each director.
    var farewell: [UInt8] { get }

    /// Whether silence after the opening, which may be an empty datagram then, means that the server is up (UDP only).
    var acceptsSilence: Bool { get }

    /// What else than a dead server no answer at all may mean, in parentheses after a blank; empty for nothing.
    var remarkOnSilence: String { get }
}

extension Conversation {
    var endsAfterOpening: Bool { false }

    var farewell: [UInt8] { [] }

    var acceptsSilence: Bool { false }

    var remarkOnSilence: String { "" }

    mutating func secured() -> ConversationStep { .wait }
}

/// What follows from what a server sent.
enum ConversationStep: Equatable {
    /// More is needed.
    case wait
    /// This goes out next.
    case send([UInt8])
    /// TLS begins on this connection (STARTTLS, CONNECT); ``Conversation/secured()`` goes on.
    case startTLS
    /// This goes out in the clear, and TLS begins without an answer to it (MySQL).
    case sendAndStartTLS([UInt8])
    /// The verdict.
    case finish(CheckOutcome)
    /// The answer is to be had elsewhere (an HTTP redirect), with TLS when settings are given.
    case follow(HTTPRequest, SocketAddress, TLSSettings?)
}
