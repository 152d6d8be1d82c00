// SPDX-License-Identifier: Apache-2.0
import Corosync
import Glibc
import LinuxKit
import Synchronization

/// Starts the thread that probes, pings and watches the interfaces, and passes it what others want of it.
final class NetworkThread: Sendable {
    /// What the coordinator's thread tells the network's.
    enum Order: Sendable {
        case topology(ClusterTopology)
        case content(ProbeContent)
    }

    private let events: EventMailbox
    private let orders: Mailbox<Order>
    private let configuration: HeartbeatConfiguration
    private let incarnation: UInt64
    private let key: ProbeKey?
    private let isLocked: Bool
    private let shared = Mutex(ProbeCounters())

    init(
        events: EventMailbox,
        configuration: HeartbeatConfiguration,
        incarnation: UInt64,
        key: ProbeKey?,
        isLocked: Bool
    ) throws(SystemError) {
        self.events = events
        self.configuration = configuration
        self.incarnation = incarnation
        self.key = key
        self.isLocked = isLocked
        orders = try Mailbox()
    }

    func post(_ order: Order) { orders.post(order) }

    /// What became of the datagrams so far.
    var counters: ProbeCounters { shared.withLock { $0 } }

    func start() {
        CorosyncThread.start("hb-network") { [self] in
            events.post(.scheduling(isRealTime: RealTime.raiseThread(configuration.priority), isLocked: isLocked))
            var loop = NetworkLoop(
                events: events,
                configuration: configuration,
                incarnation: incarnation,
                key: key,
                publish: { [self] counters in shared.withLock { $0 = counters } }
            )
            loop.run(orders)
        }
    }
}
