// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import NeighborPackets
import Netlink

extension IPaddr2Agent {
    /// Where the identity of this resource's announcer is kept.
    var announcerFile: IdentityFile {
        let name = String(environment.instance.map { $0 == "/" ? "_" : $0 })
        return IdentityFile(path: "\(environment.runtimeDirectory)/send_arp-\(name)")
    }

    /// Announces addresses: each once before this returns, the rest in the background if so configured.
    ///
    /// Announcements are best effort: a failure is logged, the addresses work without them once caches expire.
    func announce(_ holders: [AddressHolder], rounds: Int) {
        do {
            let announcements = AnnouncementSet(settings.style)
            var last: (index: Int32, family: IPAddress.Family, device: AnnouncingDevice?)?
            for holder in holders {
                let (index, address) = (holder.link.index, holder.address.address)
                if last?.index != index || last?.family != address.family {
                    last = (index, address.family, holder.link.announcingDevice(address.family))
                }
                if let device = last?.device {
                    try announcements.append(address, on: device)
                }
            }
            guard !announcements.isSilent else {
                return
            }
            try announcements.sendFirst()
            let schedule = AnnouncementSchedule(
                rounds: rounds,
                interval: settings.announcementInterval,
                framesPerSecond: set.framesPerSecond
            )
            if set.announcesInBackground {
                try DetachedAnnouncer.start(announcements, schedule, announcerFile)
            } else {
                try DetachedAnnouncer.run(announcements, schedule)
            }
        } catch {
            let names = holders.prefix(1).map { "\($0.address.address) on \($0.link.name)" }.joined()
            log.warning("cannot announce \(names)\(holders.count > 1 ? " and others" : ""): \(error)")
        }
    }
}
