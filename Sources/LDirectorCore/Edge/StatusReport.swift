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
    /// Since when the file on disk is being read for a reload.
    let readingSince: SuspendingClock.Instant?
    let refused: [VirtualServiceKey: String]
    /// A check that is late beyond all limits.
    let late: String?
    let counters: [ServerID: Reports.Counters]
    /// Servers to which no connection can be held, and why.
    let idleRemarks: [CheckPlan: String]
    let reloads: (done: Int, refused: Int)
    let mails: (sent: Int, failed: Int, waiting: Int)
    /// The kernel's table.
    let kernel: KernelView

    /// One real server in one virtual server, with everything that is known about it.
    struct Server {
        let real: RealServer
        let state: ServerState
        /// The weight that it shall have; nil when it shall not be in the table.
        let wanted: Int?
        let observed: ObservedDestination?
        let counters: Reports.Counters
    }

    /// One virtual server with everything that is known about it.
    struct Virtual {
        let server: VirtualServer
        let servers: [Server]
        /// All servers that the kernel has in it.
        let observed: [ObservedDestination]
        let isInKernel: Bool
        let isFallbackInUse: Bool
        /// Why the kernel does not take what is configured.
        let refused: String?

        var up: Int { servers.count { $0.state.isUp } }
    }

    /// Asks the kernel for a virtual server and puts together what is known about it.
    func view(of virtual: VirtualServer) -> Virtual {
        let found = kernel.service(virtual.key)
        let observed = Dictionary(
            (found?.destinations ?? []).map { ($0.destination.key, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        let wanted = Dictionary(
            director.desiredDestinations(virtual).map { ($0.key, $0.weight) },
            uniquingKeysWith: { first, _ in first }
        )
        let servers = virtual.realServers.compactMap { real in
            let id = ServerID(virtual.key, real.key)
            return director.states[id].map { state in
                Server(
                    real: real,
                    state: state,
                    wanted: wanted[real.key],
                    observed: observed[real.key],
                    counters: counters[id] ?? Reports.Counters()
                )
            }
        }
        return Virtual(
            server: virtual,
            servers: servers,
            observed: found?.destinations ?? [],
            isInKernel: found != nil,
            isFallbackInUse: virtual.fallback.map {
                wanted[$0.key] != nil && !servers.contains { $0.state.isUp }
            } ?? false,
            refused: refused[virtual.key]
        )
    }

    /// What there is to say about watching a server that is up; nil when nothing.
    func idleRemark(_ server: Server) -> String? {
        guard server.state.isUp, case .checked(let plan) = server.state.policy else {
            return nil
        }
        return idleRemarks[plan]
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
