// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit
import Synchronization

/// Finds the host names of addresses on a thread of its own: the resolver may take its time, the checks may not.
final class HostNames {
    private static let refreshInterval = Duration.seconds(60)

    /// What the thread and the loop share.
    private final class Exchange: Sendable {
        let names = Mutex<[IPAddress: String]>([:])
        /// An eventfd(2) that wakes the loop; it lives as long as any of the two needs it.
        let bell: CInt

        init(bell: CInt) { self.bell = bell }

        deinit { close(bell) }
    }

    /// The names found so far.
    private(set) var known: [IPAddress: String] = [:]

    private let loop: EventLoop
    private let exchange: Exchange
    private let changed: () -> Void
    private var addresses: Set<IPAddress> = []
    private var isBusy = false
    private var isStale = false
    private var timer: EventLoop.TimerID?

    /// Prepares for lookups.
    ///
    /// - Parameters:
    ///   - loop: The loop that gets the answers.
    ///   - changed: Called when ``known`` changed.
    /// - Throws: ``SystemError``.
    init(on loop: EventLoop, _ changed: @escaping () -> Void) throws(SystemError) {
        self.loop = loop
        self.changed = changed
        let flags = CInt(EFD_CLOEXEC | EFD_NONBLOCK)
        exchange = Exchange(bell: try systemCall("eventfd") { eventfd(0, flags) })
        try loop.watch(exchange.bell, for: .readable) { [weak self] _ in self?.answered() }
    }

    deinit { loop.unwatch(exchange.bell) }

    /// Makes these the addresses whose names are wanted; they are looked up now and every minute from then on.
    func look(up addresses: Set<IPAddress>) {
        self.addresses = addresses
        known = known.filter { addresses.contains($0.key) }
        start()
    }

    private func start() {
        if let timer {
            loop.cancel(timer)
            self.timer = nil
        }
        guard !addresses.isEmpty else {
            return
        }
        guard !isBusy else {
            isStale = true
            return
        }
        isBusy = BackgroundThread.start { [addresses, exchange] in
            var names: [IPAddress: String] = [:]
            for address in addresses {
                names[address] = Self.name(of: address)
            }
            exchange.names.withLock { [names] in $0 = names }
            var one: UInt64 = 1
            _ = write(exchange.bell, &one, 8)
        }
        if !isBusy {
            timer = loop.after(Self.refreshInterval) { [weak self] in self?.start() }
        }
    }

    private func answered() {
        var count: UInt64 = 0
        _ = read(exchange.bell, &count, 8)
        isBusy = false
        let names = exchange.names.withLock { $0 }.filter { addresses.contains($0.key) }
        if isStale {
            isStale = false
            start()
        } else {
            timer = loop.after(Self.refreshInterval) { [weak self] in self?.start() }
        }
        // An address whose name cannot be found just now keeps the one that it had.
        let merged = known.merging(names) { _, new in new }
        if merged != known {
            known = merged
            changed()
        }
    }

    private static func name(of address: IPAddress) -> String? {
        let socketAddress = SocketAddress(address, port: 0)
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let code = socketAddress.withSockaddr { pointer, length in
            getnameinfo(pointer, length, &host, socklen_t(host.count), nil, 0, NI_NAMEREQD)
        }
        return code == 0 ? String(nulTerminated: host) : nil
    }
}
