// SPDX-License-Identifier: Apache-2.0
import ConfigSyncCore
import Glibc
import LinuxKit

/// Where the daemon remembers a file's version over a restart.
struct StateFile: Sendable {
    static let defaultDirectory = "/var/lib/vervet/config"

    private static let lengthLimit = 1 << 20

    let path: String

    /// Names the state of a file.
    init(of file: String, in directory: String) {
        var name = ""
        for character in file.unicodeScalars {
            switch character {
            case "/": name += "%2F"
            case "%": name += "%25"
            default: name.unicodeScalars.append(character)
            }
        }
        if name.utf8.count > 200 {
            // A file name has at most 255 bytes.
            name = ContentDigest(of: Array(file.utf8)).description
        }
        path = "\(directory)/\(name)"
    }

    /// What is remembered; nil when there is nothing, or nothing whole.
    func load() throws(SystemError) -> SavedState? {
        do {
            return SavedState(try TextFile.read(path, limit: Self.lengthLimit))
        } catch {
            guard error.code == ENOENT else {
                throw error
            }
            return nil
        }
    }

    func save(_ state: SavedState) throws(SystemError) {
        try TextFile.makeDirectory(AtomicFile.split(path).directory, mode: 0o700)
        let access = AtomicFile.Access(mode: 0o600, owner: geteuid(), group: getegid())
        try AtomicFile.write(path, Array(state.text.utf8), access)
    }
}
