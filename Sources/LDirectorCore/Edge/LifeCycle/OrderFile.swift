// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import IPVS
import LinuxKit

/// Keeps the operators' orders over a restart of the daemon, until the machine starts anew.
///
/// One line an order: service, server, wish, and the point on CLOCK_MONOTONIC at which it was given, in milliseconds.
struct OrderFile {
    private static let limit = 1 << 20

    let path: String

    /// The orders of a predecessor; none when there is no file, and lines that make no sense are dropped.
    func read() -> [ServerID: StandingOrder] {
        let text: String
        do {
            text = try TextFile.read(path, limit: Self.limit)
        } catch {
            return [:]
        }
        let now = SuspendingClock.now
        let monotonic = Self.monotonicMilliseconds
        var orders: [ServerID: StandingOrder] = [:]
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ").map(String.init)
            guard fields.count == 8, let id = Self.server(fields), let wish = Self.wish(fields[5], fields[6]),
                let given = Int64(fields[7]), given <= monotonic
            else {
                continue
            }
            orders[id] = StandingOrder(
                wish,
                reason: StandingOrder.operatorReason(wish),
                since: now - .milliseconds(monotonic - given)
            )
        }
        return orders
    }

    /// Replaces the file; removes it when there are no orders.
    ///
    /// - Throws: ``SystemError``.
    func write(_ orders: [ServerID: StandingOrder]) throws(SystemError) {
        guard !orders.isEmpty else {
            guard unlink(path) == 0 || errno == ENOENT else {
                throw .last("unlink", path)
            }
            return
        }
        let now = SuspendingClock.now
        let monotonic = Self.monotonicMilliseconds
        let lines = orders.map { id, order in
            let given = monotonic - Int64((now - order.since).milliseconds())
            return "\(Self.text(id)) \(Self.text(order.wish)) \(given)\n"
        }
        let new = path + ".new"
        try TextFile.write(new, lines.sorted().joined())
        try systemCall("rename", path) { rename(new, path) }
    }

    private static var monotonicMilliseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    private static func text(_ id: ServerID) -> String {
        let server = "\(id.destination.address) \(id.destination.port)"
        switch id.service {
        case .address(let transport, let address, let port): return "\(transport.rawValue) \(address) \(port) \(server)"
        case .firewallMark(let mark, let family): return "mark \(family == .ipv4 ? 4 : 6) \(mark) \(server)"
        }
    }

    private static func server(_ fields: [String]) -> ServerID? {
        guard let address = IPAddress(fields[3]), let port = UInt16(fields[4]) else {
            return nil
        }
        let destination = Destination.Key(address, port: port)
        if fields[0] == "mark" {
            guard let mark = UInt32(fields[2]), fields[1] == "4" || fields[1] == "6" else {
                return nil
            }
            return ServerID(.firewallMark(mark, fields[1] == "4" ? .ipv4 : .ipv6), destination)
        }
        guard let transport = UInt16(fields[0]), let virtual = IPAddress(fields[1]), let port = UInt16(fields[2]) else {
            return nil
        }
        return ServerID(.address(TransportProtocol(rawValue: transport), virtual, port: port), destination)
    }

    private static func text(_ wish: StandingOrder.Wish) -> String {
        switch wish {
        case .out: "out 0"
        case .drain(let limit): "drain \(limit?.milliseconds() ?? 0)"
        case .weight(let weight): "weight \(weight)"
        }
    }

    private static func wish(_ word: String, _ value: String) -> StandingOrder.Wish? {
        guard let number = Int(value), number >= 0 else {
            return nil
        }
        switch word {
        case "out": return .out
        case "drain": return .drain(limit: number == 0 ? nil : .milliseconds(number))
        case "weight" where number <= 65_535: return .weight(number)
        default: return nil
        }
    }
}

extension StandingOrder {
    /// What the log and the status say of an order by the control socket.
    static func operatorReason(_ wish: Wish) -> String {
        switch wish {
        case .out: "disabled by the operator"
        case .drain(nil): "drained by the operator"
        case .drain(let limit?): "drained by the operator for \(limit.components.seconds) s"
        case .weight(let weight): "weight \(weight) by the operator"
        }
    }
}
