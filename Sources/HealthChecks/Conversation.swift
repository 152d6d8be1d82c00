// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// The talk with a server over one TCP connection as a value: bytes in, bytes or a verdict out, no I/O.
protocol Conversation {
    /// What is sent as soon as the connection stands; empty when the server speaks first.
    mutating func opening() -> [UInt8]

    /// Takes bytes that came, in whatever portions they came.
    mutating func receive(_ bytes: ArraySlice<UInt8>) -> ConversationStep

    /// The server closed its side.
    mutating func end() -> ConversationStep
}

/// What follows from what a server sent.
enum ConversationStep: Equatable {
    /// More is needed.
    case wait
    /// This goes out next.
    case send([UInt8])
    /// The verdict.
    case finish(CheckOutcome)
    /// The answer is to be had elsewhere (an HTTP redirect).
    case follow(HTTPRequest, SocketAddress)
}
