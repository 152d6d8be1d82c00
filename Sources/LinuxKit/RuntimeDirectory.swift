// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc

/// The directory of sockets, locks and other run-time files that our daemons share.
public enum RuntimeDirectory {
    /// Root's directory, for everybody to look into; what is in it has modes of its own.
    public static let path = "/run/vervet"

    /// Makes sure that the directory of a run-time file exists, with mode 0755 whatever the umask or a predecessor says.
    ///
    /// A directory other than ``path`` is created when it is missing, and left as it is otherwise: it is the operator's.
    ///
    /// - Parameter file: The path of the file.
    /// - Throws: ``SystemError``; EPERM when others could have put files there.
    public static func prepare(for file: String) throws(SystemError) {
        guard let slash = file.lastIndex(of: "/"), slash > file.startIndex else {
            return
        }
        let directory = String(file[..<slash])
        if directory == path || directory == "/var\(path)" {
            try own(directory)
        } else if access(directory, F_OK) != 0 {
            try TextFile.makeDirectory(directory)
            try systemCall("chmod", directory) { chmod(directory, 0o755) }
        }
    }

    /// Makes a directory that is ours alone to write to, and lets others look into it.
    ///
    /// - Throws: ``SystemError``; EPERM when it belongs to somebody else, or others can write to it.
    public static func own(_ directory: String) throws(SystemError) {
        if mkdir(directory, 0o755) != 0, errno != EEXIST {
            throw .last("mkdir", directory)
        }
        var info = stat()
        try systemCall("lstat", directory) { lstat(directory, &info) }
        guard info.st_mode & S_IFMT == S_IFDIR, info.st_uid == geteuid(), info.st_mode & 0o022 == 0 else {
            throw SystemError(operation: "use", subject: directory, code: EPERM)
        }
        if info.st_mode & 0o7777 != 0o755 {
            try systemCall("chmod", directory) { chmod(directory, 0o755) }
        }
    }
}
