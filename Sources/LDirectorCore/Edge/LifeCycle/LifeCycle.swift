// SPDX-License-Identifier: Apache-2.0
import IPVS
import LinuxKit

/// What the daemon needs, besides checks and table, for the life-cycle of servers; see `Daemon+LifeCycle`.
final class LifeCycle {
    let fallbackCommands: FallbackCommands
    let monitorFiles: MonitorFiles
    let children: ChildInstances
    let orderFile: OrderFile
    var maintenance: MaintenanceDirectory?
    var hostNames: HostNames?
    /// Whether it was told that the maintenance directory cannot be read.
    var isMaintenanceBroken = false
    var deadlineTimer: EventLoop.TimerID?
    var reconcileTimer: EventLoop.TimerID?
    /// Repairs that the kernel accepted but that changed nothing; doing them again would change nothing either.
    var vainRepairs: [VirtualServiceKey: [TableChange]] = [:]

    init(on loop: EventLoop, log: EventLog, files: RuntimeFiles) {
        fallbackCommands = FallbackCommands(on: loop, log: log)
        monitorFiles = MonitorFiles(log: log)
        children = ChildInstances(on: loop, log: log)
        orderFile = OrderFile(path: files.orderFile)
    }

    /// Whether programs that an orderly stop waits for still run.
    var isIdle: Bool { fallbackCommands.isIdle && children.isIdle }
}
