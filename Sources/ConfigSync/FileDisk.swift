// SPDX-License-Identifier: Apache-2.0
import ConfigSyncCore
import Glibc
import LDirectorCore
import LinuxKit

/// Does the jobs of one file on the disk; used by one thread.
struct FileDisk: Sendable {
    /// How long a file must not have been written to before it is taken for whole.
    private static let settleTime = 2

    let path: String
    let state: StateFile

    /// What was last saved, for the note that a replacement is under way.
    private var saved: Head?

    init(path: String, state: StateFile, saved: Head?) {
        self.path = path
        self.state = state
        self.saved = saved
    }

    mutating func perform(_ job: FileJob) -> FileJobResult {
        switch job {
        case .inspect(let judged): return .inspected(inspect(judged))
        case .save(let head):
            do {
                try state.save(SavedState(path: path, head: head))
                saved = head
                return .saved(problem: nil)
            } catch {
                return .saved(problem: error.description)
            }
        case .apply(let head, let bytes, let expected, let mode, let discards):
            do {
                return try apply(head, bytes, expected, mode, discards)
            } catch {
                return .failed(error.description)
            }
        case .reload: return .reloaded(problem: DirectorReload(of: path).perform())
        }
    }

    /// A file as it was at one moment.
    private struct Found {
        let content: [UInt8]
        let info: stat

        func isSame(as other: stat) -> Bool {
            info.st_ino == other.st_ino && info.st_dev == other.st_dev && info.st_size == other.st_size
                && info.st_mtim.tv_sec == other.st_mtim.tv_sec && info.st_mtim.tv_nsec == other.st_mtim.tv_nsec
        }
    }

    private enum Reading {
        case missing
        case unfit(String)
        case file(Found)
    }

    private func inspect(_ judged: Set<ContentDigest>) -> Inspection {
        let reading: Reading
        do {
            reading = try read(target)
        } catch {
            return Inspection(content: nil, problem: error.description)
        }
        let found: Found
        switch reading {
        case .missing: return Inspection(content: nil)
        case .unfit(let text): return Inspection(content: nil, problem: text)
        case .file(let file): found = file
        }
        var inspection = Inspection(content: found.content, mode: UInt16(found.info.st_mode & 0o7777))
        inspection.isSettled = time(nil) - found.info.st_mtim.tv_sec >= Self.settleTime
        if !judged.contains(ContentDigest(of: found.content)) {
            inspection.errors = errors(in: found.content)
        }
        return inspection
    }

    /// What the parser of ldirectord has against bytes, one line each.
    private func errors(in bytes: [UInt8]) -> [String] {
        let reading = ConfigurationFile(at: path).evaluate(bytes)
        guard reading.configuration == nil else {
            return []
        }
        let errors = reading.summaries.filter { $0.contains(": error: ") }
        return errors.isEmpty ? ["the parser refuses it"] : errors
    }

    /// The file itself where the path is a symbolic link.
    private var target: String {
        guard let resolved = realpath(path, nil) else {
            return path
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private func read(_ path: String) throws(SystemError) -> Reading {
        let file: OwnedDescriptor
        do {
            file = try OwnedDescriptor(opening: path, flags: O_RDONLY | O_NONBLOCK)
        } catch {
            var link = stat()
            guard error.code == ENOENT else {
                throw error
            }
            return lstat(path, &link) == 0 ? .unfit("\(path) is a symbolic link to nothing") : .missing
        }
        let raw = file.raw
        var info = stat()
        try systemCall("stat", path) { fstat(raw, &info) }
        guard info.st_mode & S_IFMT == S_IFREG else {
            return .unfit("\(path) is not a regular file")
        }
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = try systemCall("read", path) { Glibc.read(raw, &chunk, chunk.count) }
            guard count > 0 else {
                return .file(Found(content: content, info: info))
            }
            content += chunk.prefix(count)
            guard content.count <= Message.fileLimit else {
                return .unfit("\(path) is larger than \(Message.fileLimit >> 20) MiB and is not sent")
            }
        }
    }

    private mutating func apply(
        _ head: Head,
        _ bytes: [UInt8],
        _ expected: ContentDigest?,
        _ mode: UInt16,
        _ discards: Bool
    ) throws(SystemError) -> FileJobResult {
        let errors = errors(in: bytes)
        guard errors.isEmpty else {
            return .refused(errors)
        }
        let target = target
        var found: Found?
        switch try read(target) {
        case .missing: break
        case .unfit(let text): return .failed(text)
        case .file(let file): found = file
        }
        guard found.map({ ContentDigest(of: $0.content) }) == expected else {
            return .overtaken
        }
        // A crash from here on is recognised by the content that the file has then.
        try state.save(SavedState(path: path, head: saved, incoming: head))
        let access: AtomicFile.Access
        if let info = found?.info {
            access = AtomicFile.Access(mode: info.st_mode & 0o7777, owner: info.st_uid, group: info.st_gid)
        } else {
            try TextFile.makeDirectory(AtomicFile.split(target).directory)
            // As the sender has it, but nobody else may write.
            access = AtomicFile.Access(mode: mode_t(mode & 0o755), owner: geteuid(), group: getegid())
        }
        let draft = try AtomicFile.Draft(of: target, bytes, access)
        if let found {
            var now = stat()
            guard stat(target, &now) == 0, found.isSame(as: now) else {
                return .overtaken
            }
            try AtomicFile.keep(target, as: target + (discards ? ".discarded" : ".previous"), found.content, access)
        }
        try draft.commit()
        saved = head
        do {
            try state.save(SavedState(path: path, head: head))
        } catch {
            // The note that it is under way says the same after a restart.
        }
        return .applied(reload: DirectorReload(of: path).perform())
    }
}
