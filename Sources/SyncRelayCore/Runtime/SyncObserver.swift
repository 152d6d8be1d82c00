// SPDX-License-Identifier: Apache-2.0
import Glibc
public import LinuxKit

/// Counts the kernel's sync datagrams on an interface, and forwards and changes nothing.
public final class SyncObserver {
    private static let burst = 1024

    /// What was seen.
    public private(set) var observation = SyncObservation()

    /// Since when.
    public let begin = SuspendingClock.now

    private let interface: String
    private let group: IPAddress
    private let port: UInt16
    private let tap: TapSocket
    private let loop: EventLoop
    private let oldKernelDrops: UInt64
    private var failure: SystemError?

    /// Begins to look.
    ///
    /// - Parameters:
    ///   - interface: That of the kernel's daemons.
    ///   - group: Their multicast group.
    ///   - port: Their first port.
    /// - Throws: ``SystemError``; ENODEV without the interface, EPERM without CAP_NET_RAW.
    public init(_ interface: String, group: IPAddress, port: UInt16) throws(SystemError) {
        self.interface = interface
        self.group = group
        self.port = port
        loop = try EventLoop()
        tap = try TapSocket(interface, group: group, port: port)
        oldKernelDrops = KernelReceiver.read(group, port: port)?.drops ?? 0
    }

    /// Looks until the time is over, SIGINT or SIGTERM.
    ///
    /// - Parameter time: For how long; nil is without an end.
    /// - Throws: ``SystemError``; ENETDOWN when the interface is down or gone.
    public func run(for time: Duration?) throws(SystemError) {
        let signals = try SignalReader([SIGTERM, SIGINT], on: loop) { [unowned self] _ in loop.stop() }
        try loop.watch(tap.raw, for: .readable) { [unowned self] _ in look() }
        if let time {
            loop.after(time) { [unowned self] in loop.stop() }
        }
        try loop.run()
        loop.unwatch(tap.raw)
        withExtendedLifetime(signals) { tap.countDrops() }
        if let failure {
            throw failure
        }
    }

    private func look() {
        do throws(SystemError) {
            try tap.receiveAll(limit: Self.burst) { observation.take($0, from: $1) }
        } catch {
            failure = error
            loop.stop()
        }
    }

    /// Datagrams that the local backup daemon had no room for meanwhile; nil when there is none.
    private var kernelDrops: UInt64? {
        KernelReceiver.read(group, port: port).map { $0.drops &- oldKernelDrops }
    }

    private static func list(_ ids: Set<UInt8>) -> String { ids.sorted().map(String.init).joined(separator: ", ") }

    /// A screen for people.
    public var text: String {
        let seconds = (SuspendingClock.now - begin).milliseconds() / 1000
        var lines = ["\(interface), \(group) port \(port), \(seconds) s"]
        for (sender, flow) in observation.senders {
            let bad = flow.malformed > 0 ? ", \(flow.malformed) not understood" : ""
            lines.append(
                "\(sender.isLocal ? "sent       " : "received   ") \(sender.address), syncid \(Self.list(flow.syncIDs)): "
                    + "\(flow.records) connections in \(flow.datagrams) datagrams\(bad)"
            )
        }
        let drops = kernelDrops.map { "\($0) by the kernel's daemon" } ?? "no daemon receives here"
        lines.append("no room for \(tap.drops + observation.others) here, \(drops)")
        return lines.joined(separator: "\n") + "\n"
    }

    /// The same for programs; the schema's number changes when a member does.
    public var json: String {
        let number = { (value: UInt64) in JSONValue.number(Int(clamping: value)) }
        let flows = observation.senders.map { sender, flow in
            JSONValue.object([
                ("address", .string("\(sender.address)")), ("local", .boolean(sender.isLocal)),
                ("datagrams", number(flow.datagrams)), ("records", number(flow.records)),
                ("bytes", number(flow.bytes)), ("malformed", number(flow.malformed)),
                ("syncids", .array(flow.syncIDs.sorted().map { .number(Int($0)) })),
            ])
        }
        return JSONValue.object([
            ("schema", .number(1)), ("interface", .string(interface)),
            ("seconds", .decimal(SuspendingClock.now - begin)),
            ("senders", .array(flows)), ("missed", number(tap.drops + observation.others)),
            ("kernel_drops", kernelDrops.map(number) ?? .null),
        ]).text
    }
}
