// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// A probe of one link, sent by UDP to the peer's address on that link: 64 bytes, then 16 bytes of authentication.
///
/// Besides the sender's own state of the direction it carries one byte each (bit = link) of what the sender hears
/// from the receiver, where its pings answer and where it has carrier, so that two nodes understand each other over
/// any link that lives even while the process group stalls.
public struct ProbeDatagram: Equatable, Sendable {
    /// Length of the whole datagram.
    public static let length = 80

    /// Length of what is authenticated.
    public static let authenticatedLength = 64

    private static let magic: UInt32 = 0x5652_5650

    /// Corosync's number of the link.
    public var link: UInt8

    /// State of the sender, the low bits of ``GroupMessage/Flags``.
    public var flags: UInt8

    /// The sender.
    public var source: NodeID

    /// Whom it is meant for.
    public var destination: NodeID

    /// The sender's run.
    public var sourceIncarnation: UInt64

    /// The receiver's run as the sender knows it; 0 when it does not.
    public var destinationIncarnation: UInt64

    /// Counts the probes of this direction of this link.
    public var sequence: UInt64

    /// The sender's monotonic clock in nanoseconds.
    public var sentAt: Int64

    /// The last sequence heard from the receiver on this link; 0 when none.
    public var echo: UInt64

    /// Milliseconds since that was heard.
    public var echoAgeMilliseconds: UInt32

    /// Bit per link: the sender hears the receiver there.
    public var hears: UInt8

    /// Bit per link: at least one ping target answers there.
    public var pings: UInt8

    /// Bit per link: the sender's interface runs and has its address.
    public var carriers: UInt8

    /// Which key authenticates.
    public var keyID: UInt8

    /// The first 64 bytes.
    public var authenticatedBytes: [UInt8] {
        var writer = ByteWriter(reservingCapacity: Self.length)
        writer.writeBigEndian(Self.magic)
        writer.write([1, 1, link, flags])
        writer.writeBigEndian(source)
        writer.writeBigEndian(destination)
        writer.writeBigEndian(sourceIncarnation)
        writer.writeBigEndian(destinationIncarnation)
        writer.writeBigEndian(sequence)
        writer.writeBigEndian(sentAt)
        writer.writeBigEndian(echo)
        writer.writeBigEndian(echoAgeMilliseconds)
        writer.write([hears, pings, carriers, keyID])
        return writer.bytes
    }

    /// Joins the parts.
    public init(
        link: UInt8,
        flags: UInt8,
        source: NodeID,
        destination: NodeID,
        sourceIncarnation: UInt64,
        destinationIncarnation: UInt64,
        sequence: UInt64,
        sentAt: Int64,
        echo: UInt64,
        echoAgeMilliseconds: UInt32,
        hears: UInt8,
        pings: UInt8,
        carriers: UInt8,
        keyID: UInt8
    ) {
        self.link = link
        self.flags = flags
        self.source = source
        self.destination = destination
        self.sourceIncarnation = sourceIncarnation
        self.destinationIncarnation = destinationIncarnation
        self.sequence = sequence
        self.sentAt = sentAt
        self.echo = echo
        self.echoAgeMilliseconds = echoAgeMilliseconds
        self.hears = hears
        self.pings = pings
        self.carriers = carriers
        self.keyID = keyID
    }

    /// Reads the first 64 bytes of a datagram; nil when it is not a probe of this version.
    public init?(decoding bytes: some Sequence<UInt8>) {
        var reader = ByteReader(bytes)
        guard reader.readBigEndian(UInt32.self) == Self.magic,
            reader.readBigEndian(UInt8.self) == 1, reader.readBigEndian(UInt8.self) == 1,
            let link = reader.readBigEndian(UInt8.self), let flags = reader.readBigEndian(UInt8.self),
            let source = reader.readBigEndian(UInt32.self), let destination = reader.readBigEndian(UInt32.self),
            let sourceIncarnation = reader.readBigEndian(UInt64.self),
            let destinationIncarnation = reader.readBigEndian(UInt64.self),
            let sequence = reader.readBigEndian(UInt64.self), let sentAt = reader.readBigEndian(Int64.self),
            let echo = reader.readBigEndian(UInt64.self), let echoAge = reader.readBigEndian(UInt32.self),
            let hears = reader.readBigEndian(UInt8.self), let pings = reader.readBigEndian(UInt8.self),
            let carriers = reader.readBigEndian(UInt8.self), let keyID = reader.readBigEndian(UInt8.self)
        else {
            return nil
        }
        self.init(
            link: link,
            flags: flags,
            source: source,
            destination: destination,
            sourceIncarnation: sourceIncarnation,
            destinationIncarnation: destinationIncarnation,
            sequence: sequence,
            sentAt: sentAt,
            echo: echo,
            echoAgeMilliseconds: echoAge,
            hears: hears,
            pings: pings,
            carriers: carriers,
            keyID: keyID
        )
    }
}
