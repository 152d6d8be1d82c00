// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

/// Finds the host names of addresses on a thread of its own: the resolver may take its time, the checks may not.
final class HostNames {
    private static let refreshInterval = Duration.seconds(60)

    /// The names found so far.
    private(set) var known: [IPAddress: String] = [:]

    private let loop: EventLoop
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
    init(on loop: EventLoop, _ changed: @escaping () -> Void) {
        self.loop = loop
        self.changed = changed
    }

    /// Makes these the addresses whose names are wanted; they are looked up now, and again every minute.
    func look(up addresses: Set<IPAddress>) {
        guard addresses != self.addresses else {
            return
        }
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
        isBusy = true
        do {
            try BackgroundWork.start(on: loop) { [addresses] in
                var names: [IPAddress: String] = [:]
                for address in addresses {
                    names[address] = Self.name(of: address)
                }
                return names
            } completion: { [weak self] in
                self?.found($0)
            }
        } catch {
            // Descriptors or threads are short; names are not worth more than another try.
            isBusy = false
            startLater()
        }
    }

    private func found(_ names: [IPAddress: String]) {
        isBusy = false
        if isStale {
            isStale = false
            start()
        } else {
            startLater()
        }
        // An address whose name cannot be found just now keeps the one that it had.
        let merged = known.merging(names.filter { addresses.contains($0.key) }) { _, new in new }
        if merged != known {
            known = merged
            changed()
        }
    }

    private func startLater() {
        timer = loop.after(Self.refreshInterval) { [weak self] in self?.start() }
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
