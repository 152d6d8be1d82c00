// SPDX-License-Identifier: Apache-2.0

/// A talk in messages of bytes, whose faults end it.
protocol MessageListener: Conversation {
    /// What the server sends.
    associatedtype Message

    /// What came and is not used up.
    var input: InputBuffer { get set }

    /// Takes the next whole message from the input; nil when more must come.
    mutating func nextMessage() throws(ServiceFault) -> Message?

    /// Takes a message.
    mutating func accept(_ message: Message) throws(ServiceFault) -> ConversationStep
}

extension MessageListener {
    mutating func receive(_ bytes: ArraySlice<UInt8>) -> ConversationStep {
        do throws(ServiceFault) {
            try input.append(bytes)
            while let message = try nextMessage() {
                let step = try accept(message)
                if step != .wait {
                    return step
                }
            }
            return .wait
        } catch {
            return .finish(.down(error.description))
        }
    }
}
