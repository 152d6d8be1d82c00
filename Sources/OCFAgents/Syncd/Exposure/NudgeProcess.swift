// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import IPVS
import LinuxKit

/// The process that keeps the time short for which a new connection is unknown to the other directors.
///
/// It is a copy of the agent, not another program, and ends by itself when its file is gone or ip_vs is unloaded.
struct NudgeProcess {
    private let file: IdentityFile
    private let exposure: SyncdExposure

    init(_ exposure: SyncdExposure, _ file: IdentityFile) {
        self.exposure = exposure
        self.file = file
    }

    /// Starts it in place of an earlier one.
    ///
    /// - Throws: ``SystemError`` when the process cannot be made.
    func start() throws(SystemError) {
        try Self.end(file)
        let process = try DetachedProcess.start(keeping: []) {
            _ = vervet_set_thread_name("sync-nudge")
            defer { file.release() }
            do {
                try run()
                return OCFExit.success.rawValue
            } catch {
                return OCFExit.generic.rawValue
            }
        }
        guard let identity = ProcessIdentity(pid: process.pid) else {
            return
        }
        try file.name(identity)
        process.release()
    }

    /// Ends the process that a file names.
    static func end(_ file: IdentityFile) throws(SystemError) {
        try file.end(grace: .milliseconds(500), until: .silent)
    }

    /// Nudges until the file names another process, or none, or ip_vs is unloaded.
    private func run() throws {
        // On a busy director too it has a few microseconds to do, in time.
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, -10)
        var client = try IPVSClient()
        let threads = (try? IPVSSysctl().value("sync_ports")).flatMap { $0.flatMap { Int($0) } } ?? 1
        let nudges = SyncdExposure.nudges(threads: threads)
        var service = try NudgeService(ports: exposure.ports(threads: threads), seed: Self.seed)
        var pace = NudgePace(interval: exposure.interval)
        var timeout: Duration = .zero
        var ticks = 0
        let ticksPerLook = max(1, Int(Duration.seconds(1) / exposure.interval))
        while let total = ScheduledConnections.total() {
            if ticks % ticksPerLook == 0 {
                guard file.namesCaller else {
                    return
                }
                // Somebody may have cleared the table.
                try NudgeService.ensure(&client)
                timeout = try .seconds(client.timeouts().udpSeconds)
            }
            ticks += 1
            if pace.tick(connections: total) {
                pace.nudged(newConnections: service.nudge(nudges, timeout: timeout))
            }
            usleep(UInt32(exposure.interval.milliseconds()) * 1000)
        }
    }

    /// A number that is always the same here and another one on other directors: the name of the host, condensed.
    private static var seed: UInt16 {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        // FNV-1a, folded to the 65 024 addresses that are neither first nor last of their 256.
        let hash = name.prefix { $0 != 0 }.reduce(0x811c_9dc5 as UInt32) {
            ($0 ^ UInt32(UInt8(bitPattern: $1))) &* 0x0100_0193
        }
        return UInt16(hash >> 16 & 0xff) << 8 | UInt16(hash % 254 + 1)
    }
}
