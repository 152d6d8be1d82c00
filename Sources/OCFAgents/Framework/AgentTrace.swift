// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit

/// The debug trace of one invocation (`OCF_TRACE_RA`, as `crm resource trace` sets it): what was given, what was done.
///
/// Places and names are those of the standard shell library: `OCF_TRACE_FILE` is an absolute path or one of the
/// descriptors 3 to 9; otherwise `<trace_dir>/<type>/<instance>.<action>.<time>` under `/var/lib/heartbeat/trace_ra`.
public struct AgentTrace: Sendable, Equatable {
    enum Destination: Sendable, Equatable {
        case descriptor(CInt)
        case file(String)
    }

    let destination: Destination

    /// Decides where the trace goes; nil when none is asked for.
    ///
    /// - Parameters:
    ///   - environment: The invocation.
    ///   - action: The word for the action.
    ///   - time: The time for the name of the file, as `2026-11-21.08:37:08`.
    public init?(environment: AgentEnvironment, action: String, time: @autoclosure () -> String = Self.fileTime()) {
        func value(_ name: String) -> String? { environment.variables[name].flatMap { $0.isEmpty ? nil : $0 } }
        guard AgentEnvironment.isTrue(value("OCF_TRACE_RA") ?? value("OCF_RESKEY_trace_ra") ?? "") else {
            return nil
        }
        let given = value("OCF_TRACE_FILE") ?? ""
        if let number = AgentEnvironment.decimal(given), (3...9).contains(number) {
            destination = .descriptor(CInt(number))
        } else if given.hasPrefix("/") {
            destination = .file(given)
        } else {
            let directory = value("OCF_RESKEY_trace_dir") ?? "\(value("HA_VARLIB") ?? "/var/lib/heartbeat")/trace_ra"
            let name = "\(environment.instance).\(action)".map { $0 == "/" ? "_" : $0 }
            destination = .file("\(directory)/\(environment.type)/\(String(name)).\(time())")
        }
    }

    /// Makes the directory of the file, and writes what the invocation was given.
    ///
    /// Only the variables that an agent reads are written: those of OCF and of the log.
    func begin(_ arguments: [String], _ environment: AgentEnvironment) {
        if case .file(let path) = destination, let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            // Without the directory nothing can be written below; a trace must not make an action fail.
            try? TextFile.makeDirectory(String(path[..<slash]), mode: 0o750)
        }
        write("call: \(arguments.joined(separator: " "))")
        for (name, value) in environment.variables.sorted(by: { $0.key < $1.key })
        where ["OCF_", "HA_", "PCMK_LOG"].contains(where: name.hasPrefix) {
            write("environment: \(name)=\(Self.hidesValue(name) ? "(hidden)" : AgentLog.singleLine(value))")
        }
    }

    /// Appends a line with the monotonic time in seconds in front.
    func write(_ text: String) {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let micros = String(1_000_000 + now.tv_nsec / 1000).dropFirst()
        let line = "\(now.tv_sec).\(micros) \(text)\n"
        switch destination {
        case .descriptor(let raw): StandardOutput.write(line, to: raw)
        case .file(let path):
            let flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW
            guard let file = try? OwnedDescriptor(opening: path, flags: flags, mode: 0o600) else {
                return
            }
            StandardOutput.write(line, to: file.raw)
        }
    }

    /// Pacemaker treats parameters of these names as private, so a trace does as well.
    private static func hidesValue(_ name: String) -> Bool {
        // contains(_:) with a text would draw the whole engine of regular expressions into the program, 1.2 MB.
        let word = Array("passw".utf8)
        return name.utf8.indices.contains { name.utf8[$0...].starts(with: word) }
    }

    /// The local time for the name of a file.
    public static func fileTime() -> String {
        var now = time(nil)
        var fields = tm()
        localtime_r(&now, &fields)
        var buffer = [CChar](repeating: 0, count: 32)
        _ = strftime(&buffer, buffer.count, "%F.%T", &fields)
        return String(nulTerminated: buffer)
    }
}
