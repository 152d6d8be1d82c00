// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// Asks a name server a ``DNSQuestion`` and judges the answer.
///
/// Up without an expression: the server found the name (NOERROR) and sent at least one record. With one: the text of a
/// record (an address, a name without the final dot, ...) contains it. Down with a record that has what must not be there.
struct DNSConversation: Conversation {
    private let question: DNSQuestion
    private let isStream: Bool
    private var identifiers: [UInt16]
    private var turn = 0
    /// Why the answers so far did not satisfy.
    private var complaint = ""
    private var input = InputBuffer(limit: 2 * (2 + 65535))

    /// Over a stream (TCP) each message has its length before it (RFC 1035 4.2.2).
    ///
    /// The generator gives the numbers that an answer must repeat: nobody else must be able to guess them.
    init(_ question: DNSQuestion, isStream: Bool, using generator: inout some RandomNumberGenerator) {
        self.question = question
        self.isStream = isStream
        identifiers = question.types.map { _ in UInt16.random(in: .min ... .max, using: &generator) }
    }

    /// As above, with numbers of the system.
    init(_ question: DNSQuestion, isStream: Bool) {
        var generator = SystemRandomNumberGenerator()
        self.init(question, isStream: isStream, using: &generator)
    }

    func opening() -> [UInt8] { query() }

    mutating func receive(_ bytes: ArraySlice<UInt8>) -> ConversationStep {
        guard isStream else {
            // Whoever sends a datagram that answers something else is not our server: it is as if it had not come.
            return DNSMessage(bytes).flatMap { isExpected($0) ? judge($0) : nil } ?? .wait
        }
        do throws(ServiceFault) {
            try input.append(bytes)
        } catch {
            return .finish(.down(error.description))
        }
        var reader = ByteReader(input.available)
        guard let length = reader.readBigEndian(UInt16.self), let message = reader.read(Int(length)) else {
            return .wait
        }
        input.consume(2 + message.count)
        guard let answer = DNSMessage(message) else {
            return .finish(.down("server did not answer with a DNS message"))
        }
        return isExpected(answer) ? judge(answer) : .finish(.down("server answered another question"))
    }

    func end() -> ConversationStep { .finish(.down("server closed the connection before its answer")) }

    private var type: DNSQuestion.RecordType { question.types[min(turn, question.types.count - 1)] }

    private func query() -> [UInt8] {
        var writer = ByteWriter()
        if isStream {
            writer.writeBigEndian(UInt16(12 + question.encodedName.count + 4))
        }
        writer.writeBigEndian(identifiers[turn])
        // Recursion desired, one question.
        for word in [0x0100, 1, 0, 0, 0] as [UInt16] { writer.writeBigEndian(word) }
        writer.write(question.encodedName)
        writer.writeBigEndian(type.rawValue)
        writer.writeBigEndian(1 as UInt16)
        return writer.bytes
    }

    private func isExpected(_ answer: DNSMessage) -> Bool {
        guard answer.identifier == identifiers[turn], answer.isResponse, answer.opcode == 0 else {
            return false
        }
        guard let echo = answer.question else {
            // A server that refuses may leave the question out.
            return answer.code != 0
        }
        return echo == question.encodedName.map(\.lowercased) + [0, UInt8(truncatingIfNeeded: type.rawValue), 0, 1]
    }

    private mutating func judge(_ answer: DNSMessage) -> ConversationStep {
        guard question.codes.contains(answer.code) else {
            return .finish(.down("server answered with \(Self.name(ofCode: answer.code)) for \"\(question.name)\""))
        }
        guard answer.code == 0 else {
            return .finish(.up)
        }
        let records: [DNSMessage.Record]
        do throws(ServiceFault) {
            records = try answer.records()
        } catch {
            return .finish(.down(error.description))
        }
        if let refusal = question.receiveNot?.refusal(of: records.compactMap(\.text), called: "record") {
            return .finish(refusal)
        }
        switch outcome(of: records) {
        case .up:
            return .finish(.up)
        case .down(let reason):
            complaint = [complaint, reason].filter { !$0.isEmpty }.joined(separator: "; ")
        }
        if answer.isTruncated {
            complaint = "the answer does not fit into a datagram; check over TCP (\(complaint))"
        } else if turn + 1 < question.types.count {
            turn += 1
            return .send(query())
        }
        return .finish(.down(complaint))
    }

    private func outcome(of records: [DNSMessage.Record]) -> CheckOutcome {
        guard let receive = question.receive else {
            return records.isEmpty ? .down("no \(type.name) record for \"\(question.name)\"") : .up
        }
        // The aliases on the way to an address are no addresses.
        let texts = records.filter { $0.type == type.rawValue }.compactMap(\.text)
        return receive.outcome(on: texts, called: "\(type.name) record")
    }

    /// The name of a response code (RFC 1035 4.1.1, RFC 2136 2.2).
    private static func name(ofCode code: UInt8) -> String {
        let names = [
            "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET",
            "NOTAUTH",
            "NOTZONE",
        ]
        return Int(code) < names.count ? names[Int(code)] : "response code \(code)"
    }
}
