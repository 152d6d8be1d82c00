// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// A name server's answer, read as far as a check needs it (RFC 1035 section 4).
struct DNSMessage {
    /// One record of the answer section.
    struct Record: Equatable {
        let type: UInt16
        /// The data as in a zone file, names without the final dot; nil for types that are not read.
        let text: [UInt8]?
    }

    /// Records that are read of an answer; nobody needs more to tell whether a server is alive.
    static let recordLimit = 256

    let identifier: UInt16
    let isResponse: Bool
    let opcode: UInt8
    let isTruncated: Bool
    let code: UInt8
    /// The question section as sent back: the name with lower-case letters, type and class; nil when there is none.
    let question: [UInt8]?
    private let message: [UInt8]
    private let answers: Int
    private let answerStart: Int

    /// Reads header and question; nil when they are not whole.
    init?(_ bytes: ArraySlice<UInt8>) {
        message = Array(bytes)
        var reader = ByteReader(message)
        guard let identifier = reader.readBigEndian(UInt16.self), let flags = reader.readBigEndian(UInt16.self),
            let questions = reader.readBigEndian(UInt16.self), let answers = reader.readBigEndian(UInt16.self),
            reader.skip(4), questions <= 1
        else {
            return nil
        }
        self.identifier = identifier
        isResponse = flags & 0x8000 != 0
        opcode = UInt8(truncatingIfNeeded: flags >> 11 & 0x0f)
        isTruncated = flags & 0x0200 != 0
        code = UInt8(truncatingIfNeeded: flags & 0x0f)
        self.answers = Int(answers)
        if questions == 1 {
            // In a question there is nothing before that a pointer could point to.
            guard let name = Self.plainName(&reader), let tail = reader.read(4) else {
                return nil
            }
            question = name + tail
        } else {
            question = nil
        }
        answerStart = message.count - reader.remaining
    }

    /// The records of class IN in the answer section, those at its beginning if it is very long.
    ///
    /// - Throws: When a record is not whole; of a truncated message those before it are returned.
    func records() throws(ServiceFault) -> [Record] {
        var records: [Record] = []
        var reader = ByteReader(message[answerStart...])
        for _ in 0..<min(answers, Self.recordLimit) {
            guard Self.skipName(&reader), let type = reader.readBigEndian(UInt16.self),
                let kind = reader.readBigEndian(UInt16.self), reader.skip(4),
                let length = reader.readBigEndian(UInt16.self), let data = reader.read(Int(length))
            else {
                guard isTruncated else {
                    throw ServiceFault("server sent an answer that is not whole")
                }
                return records
            }
            guard kind == 1 else {
                continue
            }
            let start = message.count - reader.remaining - data.count
            records.append(Record(type: type, text: try text(of: data, from: start, type)))
        }
        return records
    }

    private func text(of data: ArraySlice<UInt8>, from start: Int, _ type: UInt16) throws(ServiceFault) -> [UInt8]? {
        let fault = ServiceFault("server sent a malformed record")
        switch DNSQuestion.RecordType(rawValue: type) {
        case .a, .aaaa:
            guard let address = IPAddress(bytes: data), (address.family == .ipv4) == (type == 1) else {
                throw fault
            }
            return Array(address.description.utf8)
        case .ns, .cname, .ptr:
            guard let name = name(at: start) else {
                throw fault
            }
            return name.text
        case .mx:
            guard data.count > 2, let exchange = name(at: start + 2) else {
                throw fault
            }
            let preference = Int(message[start]) << 8 | Int(message[start + 1])
            return Array("\(preference) ".utf8) + exchange.text
        case .soa:
            guard let primary = name(at: start), let mailbox = name(at: primary.end) else {
                throw fault
            }
            var reader = ByteReader(message[mailbox.end...])
            var text = primary.text + [UInt8(ascii: " ")] + mailbox.text
            for _ in 0..<5 {
                guard let number = reader.readBigEndian(UInt32.self) else {
                    throw fault
                }
                text += Array(" \(number)".utf8)
            }
            return text
        case .txt:
            var reader = ByteReader(data)
            var text: [UInt8] = []
            while reader.remaining > 0 {
                guard let length = reader.readBigEndian(UInt8.self), let run = reader.read(Int(length)) else {
                    throw fault
                }
                text += run
            }
            return text
        case nil:
            return nil
        }
    }

    /// The name at an offset, pointers followed; nil when it is malformed.
    ///
    /// Each pointer must lead to before the place where the walk began or jumped to last (RFC 1035 4.1.4: "a prior
    /// occurrence"), so the walk ends; a name has at most 127 parts, and no use for more pointers than that.
    private func name(at start: Int) -> (text: [UInt8], end: Int)? {
        var text: [UInt8] = []
        var position = start
        var floor = start
        var end: Int?
        var length = 0
        var jumps = 0
        while position < message.count {
            let count = Int(message[position])
            switch count {
            case 0:
                return (text, end ?? position + 1)
            case 1...63:
                length += count + 1
                guard length < 255, position + count < message.count else {
                    return nil
                }
                if !text.isEmpty {
                    text.append(UInt8(ascii: "."))
                }
                for byte in message[position + 1...position + count] { text += Self.escaped(byte) }
                position += count + 1
            case 0xc0...:
                guard position + 1 < message.count else {
                    return nil
                }
                let target = (count & 0x3f) << 8 | Int(message[position + 1])
                jumps += 1
                guard target < floor, jumps < 128 else {
                    return nil
                }
                end = end ?? position + 2
                floor = target
                position = target
            default:
                return nil
            }
        }
        return nil
    }

    /// A byte of a name as in a zone file (RFC 1035 5.1).
    private static func escaped(_ byte: UInt8) -> [UInt8] {
        switch byte {
        case UInt8(ascii: "."), UInt8(ascii: "\\"): return [UInt8(ascii: "\\"), byte]
        case 0x21...0x7e: return [byte]
        default:
            let digits = String(byte)
            return Array(("\\" + String(repeating: "0", count: 3 - digits.utf8.count) + digits).utf8)
        }
    }

    private static func plainName(_ reader: inout ByteReader) -> [UInt8]? {
        var name: [UInt8] = []
        while name.count < 255, let count = reader.readBigEndian(UInt8.self), count < 64,
            let label = reader.read(Int(count))
        {
            name.append(count)
            guard count > 0 else {
                return name
            }
            name += label.map(\.lowercased)
        }
        return nil
    }

    private static func skipName(_ reader: inout ByteReader) -> Bool {
        while let count = reader.readBigEndian(UInt8.self) {
            switch count {
            case 0: return true
            case 1...63:
                guard reader.skip(Int(count)) else {
                    return false
                }
            case 0xc0...: return reader.skip(1)
            default: return false
            }
        }
        return false
    }
}

extension UInt8 {
    /// The lower-case form of an ASCII letter, other bytes unchanged.
    var lowercased: UInt8 { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self }
}
