// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// One connection as the kernel's sync protocol, version 1, describes it (net/netfilter/ipvs/ip_vs_sync.c).
///
/// All numbers are big endian on the wire; ports and marks are in host order here.
public struct SyncConnection: Equatable, Sendable {
    /// Bits of ``flags`` (`IP_VS_CONN_F_…` of linux/ip_vs.h).
    public struct Flags: OptionSet, Sendable {
        /// The bits.
        public let rawValue: UInt32

        /// Takes the bits.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// The director sees no packets of the real server: every method but masquerading.
        public static let noOutput = Flags(rawValue: 0x80)
        /// Not established, or a protocol without states.
        public static let inactive = Flags(rawValue: 0x100)
        /// Sequence numbers are shifted by an application helper; option 1 of the record tells how.
        public static let sequence = Flags(rawValue: 0x600)
        /// A persistence template.
        public static let template = Flags(rawValue: 0x1000)
        /// The forwarding method, a number in the low bits.
        public static let methodMask: UInt32 = 0x7
    }

    /// Length of the fixed part of a record: 36 bytes for IPv4, 72 for IPv6.
    public static func fixedLength(isIPv6: Bool) -> Int { isIPv6 ? 72 : 36 }

    /// Protocol, client and virtual service.
    public var key: ConnectionKey

    /// The real server.
    public var destination: SocketAddress

    /// Method and properties.
    public var flags: Flags

    /// The protocol's state number (TCP: 1 is ESTABLISHED).
    public var state: UInt16

    /// The firewall mark of the service, 0 when it has none.
    public var mark: UInt32

    /// Seconds until the entry expires; 0 is the receiver's own time for the state.
    public var timeout: UInt32

    /// Joins the parts.
    public init(
        key: ConnectionKey,
        destination: SocketAddress,
        flags: Flags,
        state: UInt16,
        mark: UInt32 = 0,
        timeout: UInt32
    ) {
        self.key = key
        self.destination = destination
        self.flags = flags
        self.state = state
        self.mark = mark
        self.timeout = timeout
    }

    /// Whether this is IPv6, decided by the client's address.
    public var isIPv6: Bool { key.client.address.family == .ipv6 }

    /// A record without options, unpadded.
    ///
    /// - Precondition: The three addresses are of one family.
    public var record: [UInt8] {
        let length = Self.fixedLength(isIPv6: isIPv6)
        var writer = ByteWriter(reservingCapacity: length)
        writer.write([isIPv6 ? 1 : 0, key.transport])
        writer.writeBigEndian(UInt16(length))
        writer.writeBigEndian(flags.rawValue)
        writer.writeBigEndian(state)
        writer.writeBigEndian(key.client.port)
        writer.writeBigEndian(key.virtual.port)
        writer.writeBigEndian(destination.port)
        writer.writeBigEndian(mark)
        writer.writeBigEndian(timeout)
        for address in [key.client.address, key.virtual.address, destination.address] {
            writer.write(address.bytes)
        }
        return writer.bytes
    }

    /// Reads the fixed part of a record that ``SyncDatagram`` has checked; nil when it is too short.
    ///
    /// - Parameter record: The record of version 1 from its first byte on.
    public init?(decoding record: ArraySlice<UInt8>) {
        var reader = ByteReader(record)
        guard let type = reader.readBigEndian(UInt8.self), let transport = reader.readBigEndian(UInt8.self),
            reader.skip(2), let flags = reader.readBigEndian(UInt32.self),
            let state = reader.readBigEndian(UInt16.self), let clientPort = reader.readBigEndian(UInt16.self),
            let virtualPort = reader.readBigEndian(UInt16.self),
            let destinationPort = reader.readBigEndian(UInt16.self),
            let mark = reader.readBigEndian(UInt32.self), let timeout = reader.readBigEndian(UInt32.self),
            let client = reader.read(type & 1 == 1 ? 16 : 4).flatMap({ IPAddress(bytes: $0) }),
            let virtual = reader.read(client.family.byteCount).flatMap({ IPAddress(bytes: $0) }),
            let destination = reader.read(client.family.byteCount).flatMap({ IPAddress(bytes: $0) })
        else {
            return nil
        }
        key = ConnectionKey(
            transport: transport,
            client: SocketAddress(client, port: clientPort),
            virtual: SocketAddress(virtual, port: virtualPort)
        )
        self.destination = SocketAddress(destination, port: destinationPort)
        self.flags = Flags(rawValue: flags)
        self.state = state
        self.mark = mark
        self.timeout = timeout
    }
}
