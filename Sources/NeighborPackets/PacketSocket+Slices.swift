// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
public import LinuxKit

extension PacketSocket {
    /// How many frames one system call sends.
    public static let sliceLength = Int(vervet_slice_length)

    /// Sends frames of equal length to one hardware address, many with each system call.
    ///
    /// - Parameters:
    ///   - frames: What follows the link-layer headers, one after the other.
    ///   - length: The length of each.
    ///   - etherType: The protocol of the frames.
    ///   - destination: The hardware address, of up to 20 bytes.
    /// - Throws: ``SystemError`` of the first frame that could not be sent; those behind it are sent.
    public func send(
        frames: [UInt8],
        each length: Int,
        etherType: UInt16,
        to destination: LinkLayerAddress
    ) throws(SystemError) {
        guard length > 0 else {
            return
        }
        let (storage, size) = target(etherType: etherType, destination)
        try sendSlices(of: frames.count / length, name) { first, count in
            withUnsafePointer(to: storage) { storage in
                frames.withUnsafeBytes {
                    vervet_send_slice(raw, $0.baseAddress?.advanced(by: first * length), length, count, storage, size)
                }
            }
        }
    }
}

/// Sends packets by sendmmsg(2) until all are sent; waits while the device's queue is full, a second in all.
///
/// - Parameters:
///   - total: How many packets there are.
///   - subject: Where they go, for the error.
///   - body: Sends some of them: the number of the first, and how many.
/// - Throws: ``SystemError`` of the first packet that could not be sent; those behind it are sent.
func sendSlices(
    of total: Int,
    _ subject: String,
    _ body: (_ first: Int, _ count: CInt) -> CInt
) throws(SystemError) {
    var failure: SystemError?
    var first = 0
    var patience = 500
    while first < total {
        do {
            let count = CInt(min(PacketSocket.sliceLength, total - first))
            first += Int(try systemCall("send", subject) { body(first, count) })
        } catch {
            if [EAGAIN, ENOBUFS].contains(error.code), patience > 0 {
                patience -= 1
                usleep(2000)
            } else {
                failure = failure ?? error
                first += 1
            }
        }
    }
    if let failure {
        throw failure
    }
}
