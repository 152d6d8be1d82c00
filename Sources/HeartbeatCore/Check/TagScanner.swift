// SPDX-License-Identifier: Apache-2.0

/// Walks through the tags of an XML text as Pacemaker prints it; no entities, no checks.
struct TagScanner {
    /// A tag.
    struct Tag: Equatable {
        var name: String
        var attributes: [String: String] = [:]
        var isEnd = false
        var isEmpty = false
    }

    private var rest: Substring.UTF8View

    init(_ text: String) {
        rest = Substring(text).utf8
    }

    /// The next tag; nil at the end of the text.
    mutating func next() -> Tag? {
        while let open = rest.firstIndex(of: UInt8(ascii: "<")) {
            rest = rest[rest.index(after: open)...]
            guard let close = Self.end(of: rest) else {
                return nil
            }
            let inside = rest[..<close]
            rest = rest[rest.index(after: close)...]
            if let first = inside.first, first != UInt8(ascii: "?"), first != UInt8(ascii: "!") {
                return Self.tag(inside)
            }
        }
        return nil
    }

    /// The `>` that ends a tag; one in quotes does not.
    private static func end(of text: Substring.UTF8View) -> String.Index? {
        var quote: UInt8?
        for index in text.indices {
            let byte = text[index]
            if let open = quote {
                quote = byte == open ? nil : quote
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                quote = byte
            } else if byte == UInt8(ascii: ">") {
                return index
            }
        }
        return nil
    }

    private static func tag(_ bytes: Substring.UTF8View) -> Tag {
        var bytes = bytes
        var tag = Tag(name: "")
        if bytes.first == UInt8(ascii: "/") {
            tag.isEnd = true
            bytes = bytes.dropFirst()
        }
        if bytes.last == UInt8(ascii: "/") {
            tag.isEmpty = true
            bytes = bytes.dropLast()
        }
        let name = bytes.prefix { $0 > 0x20 }
        tag.name = String(decoding: name, as: UTF8.self)
        bytes = bytes.dropFirst(name.count)
        while let equals = bytes.firstIndex(of: UInt8(ascii: "=")) {
            let key = bytes[..<equals].filter { $0 > 0x20 }
            bytes = bytes[bytes.index(after: equals)...].drop { $0 <= 0x20 }
            guard let quote = bytes.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
                break
            }
            bytes = bytes.dropFirst()
            let value = bytes.prefix { $0 != quote }
            tag.attributes[String(decoding: key, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
            bytes = bytes.dropFirst(value.count + 1)
        }
        return tag
    }
}
