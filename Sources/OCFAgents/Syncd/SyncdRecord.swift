// SPDX-License-Identifier: Apache-2.0
import Glibc
import IPVS
import LinuxKit

/// What start leaves for later actions: interface indexes, role and the settings found before; gone after a reboot.
///
/// The kernel fixes the index when a daemon starts and goes on showing the name when that interface is long gone.
struct SyncdRecord: Equatable {
    /// The interface's index when each daemon was started.
    var interfaceIndex: [SyncDaemon.Role: UInt32] = [:]

    /// Whether this director has been promoted.
    var isPromoted = false

    /// The promotion score that Pacemaker was told last; nil when none.
    var score: Int?

    /// Values of net.ipv4.vs before they were changed, in the order of the changes.
    var settings: [(name: String, value: String)] = []

    /// What the resource wants, for `vervet sync status`.
    var intent = SyncIntent()

    init() {}

    /// Reads the text form; lines that are not understood are left out.
    init(text: String) {
        intent = SyncIntent(text: text)
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 2).map(String.init)
            guard words.count >= 2 else {
                continue
            }
            switch words[0] {
            case "index" where words.count == 3:
                if let role = SyncDaemon.Role.allCases.first(where: { "\($0)" == words[1] }),
                    let index = UInt32(words[2])
                {
                    interfaceIndex[role] = index
                }
            case "role":
                isPromoted = words[1] == "promoted"
            case "score":
                score = Int(words[1])
            case "setting" where words.count == 3:
                settings.append((words[1], words[2]))
            default:
                break
            }
        }
    }

    /// One fact a line.
    var text: String {
        let indexes = SyncDaemon.Role.allCases.compactMap { role in
            interfaceIndex[role].map { "index \(role) \($0)\n" }
        }
        let role = isPromoted ? ["role promoted\n"] : []
        let told = score.map { ["score \($0)\n"] } ?? []
        let found = settings.map { "setting \($0.name) \($0.value)\n" }
        return (indexes + role + told + found + [intent.text]).joined()
    }

    /// Keeps the first value found of a setting: later ones are our own.
    mutating func keep(_ name: String, _ value: String) {
        if !settings.contains(where: { $0.name == name }) {
            settings.append((name, value))
        }
    }

    static func == (left: SyncdRecord, right: SyncdRecord) -> Bool { left.text == right.text }
}

extension SyncdRecord {
    /// The file of an instance.
    static func path(_ environment: AgentEnvironment) -> String {
        let name = String(environment.instance.map { $0 == "/" ? "_" : $0 })
        return "\(environment.runtimeDirectory)/vervet-syncd-\(name)"
    }

    /// Reads a file; nil when there is none or it cannot be read.
    static func load(_ path: String) -> SyncdRecord? {
        guard let file = try? OwnedDescriptor(opening: path, flags: O_RDONLY) else {
            return nil
        }
        var buffer = [UInt8](repeating: 0, count: 8192)
        guard let count = try? systemCall("read", path, { read(file.raw, &buffer, buffer.count) }) else {
            return nil
        }
        return SyncdRecord(text: String(decoding: buffer.prefix(count), as: UTF8.self))
    }

    /// Writes the file, whole or not at all.
    func save(_ path: String) throws(SystemError) {
        let temporary = "\(path).new"
        // Usually there since boot; whether it could be made shows when the file is opened.
        mkdir(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]), 0o755)
        let bytes = Array(text.utf8)
        do {
            let file = try OwnedDescriptor(opening: temporary, flags: O_WRONLY | O_CREAT | O_TRUNC)
            let written = try systemCall("write", temporary) { write(file.raw, bytes, bytes.count) }
            guard written == bytes.count else {
                throw SystemError(operation: "write", subject: temporary, code: ENOSPC)
            }
        }
        try systemCall("rename", temporary) { rename(temporary, path) }
    }
}
