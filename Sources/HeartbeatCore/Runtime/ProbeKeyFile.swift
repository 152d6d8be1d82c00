// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

/// Finds the secret from which the probes' key is derived.
enum ProbeKeyFile {
    private static let candidates = ["/etc/vervet/authkey", "/etc/corosync/authkey"]

    /// Loads the key that the configuration asks for.
    ///
    /// - Returns: The key and where it is from; no key when authentication is off, or none is there to be found.
    /// - Throws: ``SystemError`` when a file that should be there cannot be read.
    static func load(_ authentication: HeartbeatConfiguration.Authentication) throws(SystemError) -> (ProbeKey?, String)
    {
        switch authentication {
        case .none: return (nil, "off")
        case .file(let path): return (try read(path), path)
        case .automatic:
            for path in candidates {
                do throws(SystemError) {
                    return (try read(path), path)
                } catch  where error.code == ENOENT {
                    continue
                }
            }
            return (nil, "no key file")
        }
    }

    private static func read(_ path: String) throws(SystemError) -> ProbeKey {
        let file = try OwnedDescriptor(opening: path, flags: O_RDONLY)
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = try systemCall("read", path) { Glibc.read(file.raw, &buffer, buffer.count) }
        guard count >= 16 else {
            throw SystemError(operation: "use as a key of at least 16 bytes", subject: path, code: EINVAL)
        }
        return ProbeKey(secret: buffer.prefix(count))
    }
}
