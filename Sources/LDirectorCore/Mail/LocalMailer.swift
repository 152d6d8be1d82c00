// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import HealthChecks
import LinuxKit

/// The system's own mailer (sendmail(8), whichever it is), started by its argument vector.
enum LocalMailer {
    /// Where it may be.
    static let paths = ["/usr/sbin/sendmail", "/usr/lib/sendmail"]

    /// Time for taking one mail.
    static let timeLimit = Duration.seconds(60)

    /// The mailer that is installed.
    static var path: String? { paths.first { access($0, X_OK) == 0 } }

    /// Starts the mailer with a mail on its standard input; the run goes on also when nobody waits for it.
    ///
    /// - Throws: ``SystemError``.
    static func start(
        _ path: String,
        _ message: [UInt8],
        to recipients: [String],
        on loop: EventLoop,
        _ completion: @escaping (CommandRun.End) -> Void
    ) throws(SystemError) -> CommandRun {
        let file = OwnedDescriptor(owning: try systemCall("memfd_create") { vervet_memory_file("mail") })
        // Local mailers want lines as the system has them.
        let text = message.filter { $0 != 0x0d }
        var rest = text[...]
        let raw = file.raw
        while !rest.isEmpty {
            let count = try systemCall("write", "mail") {
                rest.withUnsafeBytes { write(raw, $0.baseAddress, $0.count) }
            }
            rest = rest.dropFirst(count)
        }
        try systemCall("lseek", "mail") { lseek(raw, 0, SEEK_SET) }
        return try CommandRun(
            [path, "-i", "--"] + recipients,
            timeout: timeLimit,
            on: loop,
            standardInput: raw,
            completion
        )
    }
}
