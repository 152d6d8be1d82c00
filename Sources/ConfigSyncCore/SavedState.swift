// SPDX-License-Identifier: Apache-2.0

/// What a director remembers about a file over a restart, as a small text file.
public struct SavedState: Hashable, Sendable {
    /// The file that it is about.
    public var path: String

    /// The version that the director has.
    public var head: Head?

    /// The version whose content was about to replace the file; noted first, so that a crash in between is no edit.
    public var incoming: Head?

    /// Describes a state.
    public init(path: String, head: Head? = nil, incoming: Head? = nil) {
        self.path = path
        self.head = head
        self.incoming = incoming
    }

    private static let title = "vervet-config 1"

    /// The text.
    public var text: String {
        var lines = [Self.title, "path \(path)"]
        for (name, head) in [("head", head), ("incoming", incoming)] {
            guard let head else {
                continue
            }
            let version = head.version
            let parent = version.parent.map { Hexadecimal.text(of: $0.bytes) } ?? "-"
            lines.append("\(name) \(version.number) \(version.node) \(version.content) \(parent)")
            lines += head.ancestry.map { "\(name)-ancestor \(Hexadecimal.text(of: $0.bytes))" }
            lines += head.settled.map { "\(name)-settled \($0)" }
        }
        return (lines + ["end"]).joined(separator: "\n") + "\n"
    }

    /// Reads the text; nil when it is not whole.
    public init?(_ text: String) {
        let lines = text.split(separator: "\n")
        guard lines.first.map(String.init) == Self.title, lines.last == "end", lines.count >= 3,
            lines[1].hasPrefix("path ")
        else {
            return nil
        }
        path = String(lines[1].dropFirst("path ".count))
        var versions: [String: ConfigVersion] = [:]
        var ancestries: [String: [VersionID]] = [:]
        var settlements: [String: [ContentDigest]] = [:]
        for line in lines.dropFirst(2).dropLast() {
            let words = line.split(separator: " ").map(String.init)
            guard words.count >= 2 else {
                return nil
            }
            switch words[0] {
            case "head", "incoming":
                guard let version = Self.version(words.dropFirst()) else {
                    return nil
                }
                versions[words[0]] = version
            case "head-ancestor", "incoming-ancestor":
                guard let id = Hexadecimal.bytes(of: words[1]).flatMap({ VersionID($0) }) else {
                    return nil
                }
                ancestries[words[0], default: []].append(id)
            case "head-settled", "incoming-settled":
                guard let digest = Hexadecimal.bytes(of: words[1]).flatMap({ ContentDigest($0) }) else {
                    return nil
                }
                settlements[words[0], default: []].append(digest)
            default: return nil
            }
        }
        let head = { (name: String) in
            versions[name].map {
                Head($0, ancestry: ancestries["\(name)-ancestor"] ?? [], settled: settlements["\(name)-settled"] ?? [])
            }
        }
        self.head = head("head")
        incoming = head("incoming")
    }

    private static func version(_ words: ArraySlice<String>) -> ConfigVersion? {
        let words = Array(words)
        guard words.count == 4, let number = UInt64(words[0]), let node = NodeID(words[1]),
            let content = Hexadecimal.bytes(of: words[2]).flatMap({ ContentDigest($0) })
        else {
            return nil
        }
        let parent = Hexadecimal.bytes(of: words[3]).flatMap { VersionID($0) }
        guard parent != nil || words[3] == "-" else {
            return nil
        }
        return ConfigVersion(number: number, node: node, content: content, parent: parent)
    }
}
