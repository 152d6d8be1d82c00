// SPDX-License-Identifier: Apache-2.0

/// Reads one HTTP/1.x response from bytes in any portions, with bounded memory (RFC 9112).
struct HTTPResponseParser {
    /// A fault in the response.
    struct Malformed: Error, Equatable {
        let reason: String
    }

    private enum State {
        case head
        case identity(left: Int)
        case untilClose
        case chunkSize
        case chunk(left: Int)
        case chunkEnd
        case trailers
        case complete
    }

    /// Bytes of the body that are kept, 1 MiB; the rest of a longer body is not waited for.
    static let bodyLimit = 1 << 20

    /// Bytes of status line and header fields, also of chunk sizes and trailers together.
    static let headLimit = 16384

    /// The final status (1xx are passed over); nil before the head is complete.
    private(set) var status: Int?

    /// Header fields, names in lower case.
    private(set) var fields: [(name: String, value: String)] = []

    /// The decoded body so far.
    private(set) var body: [UInt8] = []

    /// Whether the body was longer than what is kept.
    private(set) var isCut = false

    private let hasBody: Bool
    private var state = State.head
    private var line: [UInt8] = []
    private var headBytes = 0

    /// - Parameter hasBody: False for the answer to HEAD.
    init(hasBody: Bool) { self.hasBody = hasBody }

    /// Whether the whole response is there, or as much of it as is kept.
    var isComplete: Bool {
        if case .complete = state { true } else { false }
    }

    /// The first header field of this name (lower case).
    func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }

    /// Takes the next bytes; those after the end are ignored.
    mutating func receive(_ bytes: ArraySlice<UInt8>) throws(Malformed) {
        var rest = bytes
        while !rest.isEmpty, !isComplete {
            switch state {
            case .identity(let left):
                let taken = take(&rest, left)
                state = left == taken ? .complete : .identity(left: left - taken)
            case .untilClose:
                _ = take(&rest, rest.count)
            case .chunk(let left):
                let taken = take(&rest, left)
                state = left == taken ? .chunkEnd : .chunk(left: left - taken)
            case .head, .chunkSize, .chunkEnd, .trailers:
                if let line = try nextLine(&rest) {
                    try accept(line)
                }
            case .complete:
                return
            }
            if isCut {
                state = .complete
            }
        }
    }

    /// The connection was closed by the server.
    mutating func end() throws(Malformed) {
        switch state {
        case .untilClose: state = .complete
        case .complete: break
        case .head where headBytes == 0: throw Malformed(reason: "closed the connection without an answer")
        case .head: throw Malformed(reason: "closed the connection inside the header")
        default: throw Malformed(reason: "closed the connection inside the body")
        }
    }

    private mutating func take(_ rest: inout ArraySlice<UInt8>, _ wanted: Int) -> Int {
        let run = rest.prefix(wanted)
        rest = rest.dropFirst(run.count)
        let kept = min(run.count, Self.bodyLimit - body.count)
        body.append(contentsOf: run.prefix(kept))
        isCut = isCut || kept < run.count
        return run.count
    }

    private mutating func nextLine(_ rest: inout ArraySlice<UInt8>) throws(Malformed) -> String? {
        let end = rest.firstIndex(of: UInt8(ascii: "\n"))
        let run = rest[..<(end ?? rest.endIndex)]
        headBytes += run.count + 1
        guard headBytes <= Self.headLimit else {
            throw Malformed(reason: "sent a header longer than \(Self.headLimit) bytes")
        }
        line.append(contentsOf: run)
        rest = rest.dropFirst(run.count + (end == nil ? 0 : 1))
        guard end != nil else {
            return nil
        }
        if line.last == UInt8(ascii: "\r") {
            line.removeLast()
        }
        defer { line.removeAll(keepingCapacity: true) }
        return String(decoding: line, as: UTF8.self)
    }

    private mutating func accept(_ line: String) throws(Malformed) {
        switch state {
        case .head: try acceptHead(line)
        case .chunkSize:
            let digits = line.prefix { $0 != ";" && $0 != " " && $0 != "\t" }
            guard let size = Int(digits, radix: 16), size >= 0, digits.first != "+" else {
                throw Malformed(reason: "sent a chunk without a valid size")
            }
            state = size == 0 ? .trailers : .chunk(left: size)
        case .chunkEnd:
            guard line.isEmpty else {
                throw Malformed(reason: "sent a chunk longer than announced")
            }
            state = .chunkSize
        case .trailers where line.isEmpty: state = .complete
        default: break
        }
    }

    private mutating func acceptHead(_ line: String) throws(Malformed) {
        if status == nil {
            let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: true)
            guard words.count >= 2, words[0].hasPrefix("HTTP/1."), words[1].utf8.count == 3, let code = Int(words[1]),
                (100...599).contains(code)
            else {
                throw Malformed(reason: "did not answer with HTTP")
            }
            status = code
        } else if !line.isEmpty {
            // Folded lines (RFC 9112, 5.2) carry nothing that is needed here.
            if let colon = line.firstIndex(of: ":"), line.first != " ", line.first != "\t" {
                let value = line[line.index(after: colon)...].trimmingBlanks()
                fields.append((name: line[..<colon].lowercased(), value: value))
            }
        } else {
            try beginBody()
        }
    }

    private mutating func beginBody() throws(Malformed) {
        let code = status ?? 0
        if code < 200 {
            (status, fields) = (nil, [])
        } else if !hasBody || code == 204 || code == 304 {
            state = .complete
        } else if let coding = field("transfer-encoding") {
            guard coding.lowercased() == "chunked" else {
                throw Malformed(reason: "uses the unknown transfer coding \(quoted(coding.utf8))")
            }
            state = .chunkSize
        } else if let text = field("content-length") {
            guard let length = Int(text), length >= 0 else {
                throw Malformed(reason: "sent an invalid Content-Length")
            }
            state = length == 0 ? .complete : .identity(left: length)
        } else {
            state = .untilClose
        }
    }
}

extension StringProtocol {
    /// Without blanks and tabs at both ends.
    func trimmingBlanks() -> String {
        let start = drop { $0 == " " || $0 == "\t" }
        let end = start.lastIndex { $0 != " " && $0 != "\t" }.map(start.index(after:)) ?? start.startIndex
        return String(start[..<end])
    }
}
