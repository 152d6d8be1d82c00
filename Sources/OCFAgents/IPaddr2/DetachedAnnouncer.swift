// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import LinuxKit
import NeighborPackets
import Netlink

/// The process that sends what is left of the announcements, so that start need not wait for it.
///
/// It is a copy of the agent, not another program. It ends by itself, at once when the addresses have gone. It also has the
/// last hold on the packet sockets: their last close makes the kernel wait for a grace period, which start need not.
enum DetachedAnnouncer {
    /// Goes on with announcements whose first packets are sent, after ending an earlier announcer of the same resource.
    ///
    /// - Throws: ``SystemError`` when the process cannot be made.
    static func start(
        _ announcements: AnnouncementSet,
        _ schedule: AnnouncementSchedule,
        _ file: IdentityFile
    ) throws(SystemError) {
        try end(file)
        let process = try DetachedProcess.start(keeping: announcements.descriptors) {
            _ = vervet_set_thread_name("vip-announcer")
            defer { file.release() }
            do {
                try run(announcements, schedule)
                return OCFExit.success.rawValue
            } catch {
                return OCFExit.generic.rawValue
            }
        }
        do throws(SystemError) {
            if let identity = ProcessIdentity(pid: process.pid) {
                // Written here and not by the announcer, so that a stop right after this start finds it.
                try file.name(identity)
            }
        } catch {
            // A stop that cannot find it ends it all the same, by taking the addresses away.
            process.release()
            throw error
        }
        process.release()
    }

    /// Ends the announcer of a resource, if one runs, and removes its file.
    ///
    /// A file that names a process which is not ours ends nothing: number and start time must both agree.
    ///
    /// - Throws: ``SystemError`` when the announcer cannot be ended.
    static func end(_ file: IdentityFile) throws(SystemError) {
        try file.end(grace: .milliseconds(200), until: .silent)
    }

    /// Sends what is left after the first packets, until it is over or no address is left.
    static func run(_ announcements: AnnouncementSet, _ schedule: AnnouncementSchedule) throws {
        let watch = try AddressWatch(announcements)
        if !announcements.isSilent {
            try announcements.send(schedule, isFirstSent: true, pause: watch.pause)
        }
    }
}
