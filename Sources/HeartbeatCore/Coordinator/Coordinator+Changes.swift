// SPDX-License-Identifier: Apache-2.0

extension Coordinator {
    /// How long nothing is said or published anew while nothing has changed.
    private static let calm = Duration.milliseconds(950)

    /// Whether views and attributes must be looked at: what they are made of has changed, or is old.
    ///
    /// Making them only to find that they are the same would be most of the heartbeat's work.
    mutating func isWorthSaying(at now: MonotonicTime) -> Bool {
        let new = fingerprint(at: now)
        if new == lastFingerprint, !owesHello, lastViewAt != nil, publishedAt != nil,
            let lastLook, now - lastLook < Self.calm
        {
            return false
        }
        lastFingerprint = new
        lastLook = now
        return true
    }

    /// What others must learn about at once, as one number; the order of dictionaries does not matter.
    private func fingerprint(at now: MonotonicTime) -> Int {
        var sum = 0
        func add(_ part: (inout Hasher) -> Void) {
            var hasher = Hasher()
            part(&hasher)
            sum &+= hasher.finalize()
        }
        let us = topology?.localNode ?? 0
        for (id, peer) in peers {
            for (link, monitor) in peer.monitors {
                add { hasher in
                    hasher.combine(id)
                    hasher.combine(link)
                    hasher.combine(monitor.state)
                    hasher.combine(peer.hears(link))
                    hasher.combine(peer.hearsUs(link, us: us))
                    hasher.combine(peer.knet[link]?.isConnected)
                    hasher.combine(peer.isInGroup)
                    hasher.combine(peer.incarnation)
                    hasher.combine(peer.view?.configurationHash)
                }
            }
        }
        for (link, local) in localLinks {
            add { hasher in
                hasher.combine(link)
                hasher.combine(local.hasCarrier)
                hasher.combine(local.hasAddress)
                hasher.combine(local.receives)
            }
        }
        for link in pings.keys {
            let nodes = pingNodes(link)
            add { hasher in
                hasher.combine(link)
                hasher.combine(nodes.total)
                hasher.combine(nodes.alive)
            }
        }
        for (link, verdict) in verdicts {
            add { hasher in
                hasher.combine(link)
                hasher.combine(verdict.reason)
                hasher.combine(verdict.faulty)
                hasher.combine(health[link]?.value)
            }
        }
        add { hasher in
            hasher.combine(now - startedAt < timers.initdead)
            hasher.combine(isLate(at: now))
            hasher.combine(isInMaintenance(at: now))
            hasher.combine(isStopping)
            hasher.combine(joinedAt)
            hasher.combine(ring)
            hasher.combine(alarmed)
        }
        return sum
    }
}
