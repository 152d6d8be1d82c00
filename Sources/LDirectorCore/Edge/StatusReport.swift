// SPDX-License-Identifier: Apache-2.0
import Glibc
import HealthChecks
import IPVS
import LDirectorConfig
import LinuxKit

/// What a running director knows at one moment, for an operator, for a program, or for Prometheus.
struct StatusReport {
    let director: Director
    let instance: String
    let path: String
    let startedAt: SuspendingClock.Instant
    /// This moment on the monotonic clock, and as seconds since 1970.
    let now: SuspendingClock.Instant
    let wallClock: Int
    let phase: MailSettings.Phase
    let rejected: [String]
    let rejectedAt: SuspendingClock.Instant?
    let refused: [VirtualServiceKey: String]
    /// A check that is late beyond all limits.
    let late: String?
    let counters: [ServerID: Reports.Counters]
    let reloads: (done: Int, refused: Int)
    let mails: (sent: Int, failed: Int, waiting: Int)
    /// The kernel's table, or why it cannot be read.
    let kernel: [VirtualServiceKey: ObservedService]
    let kernelProblem: String?
    /// The weights that the servers shall have; one that is not in the table has none.
    let wanted: [ServerID: Int]

    /// One real server in one virtual server, with everything that is known about it.
    struct Server {
        let id: ServerID
        let real: RealServer
        let state: ServerState
        let wanted: Int?
        let observed: ObservedDestination?
        let counters: Reports.Counters
    }

    func servers(of virtual: VirtualServer) -> [Server] {
        let observed = Dictionary(
            (kernel[virtual.key]?.destinations ?? []).map { ($0.destination.key, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        return virtual.realServers.compactMap { real in
            let id = ServerID(virtual.key, real.key)
            return director.states[id].map { state in
                Server(
                    id: id,
                    real: real,
                    state: state,
                    wanted: wanted[id],
                    observed: observed[real.key],
                    counters: counters[id] ?? Reports.Counters()
                )
            }
        }
    }

    func isFallbackInUse(_ virtual: VirtualServer) -> Bool {
        virtual.fallback.map { wanted[ServerID(virtual.key, $0.key)] != nil && !director.hasServerUp(virtual.key) }
            ?? false
    }

    /// Wall clock of an instant, in seconds since 1970.
    func wallClock(of instant: SuspendingClock.Instant) -> Int { wallClock - Int((now - instant).components.seconds) }
}

extension ServerState {
    /// The state in one word.
    var word: String {
        if let hold {
            return hold.isDrain ? (isDrained ? "drained" : "drain") : "held"
        }
        if isUp {
            return retainedSince == nil ? "up" : "kept"
        }
        return warmUntil == nil ? "DOWN" : "warmup"
    }
}
