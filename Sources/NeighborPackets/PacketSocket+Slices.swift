// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
public import LinuxKit

extension PacketSocket {
    /// How many frames one system call sends.
    public static let sliceLength = Int(vervet_slice_length)

    /// Sends frames of equal length to one hardware address with one system call, or a few when the device's queue is
    /// full in between.
    ///
    /// - Parameters:
    ///   - payloads: What follows the link-layer headers, in their order.
    ///   - etherType: The protocol of the frames.
    ///   - destination: The hardware address, of up to 20 bytes.
    /// - Throws: ``SystemError`` of the first frame that could not be sent; `EINVAL` when they differ in length.
    public func send(
        _ payloads: ArraySlice<[UInt8]>,
        etherType: UInt16,
        to destination: LinkLayerAddress
    ) throws(SystemError) {
        guard let length = payloads.first?.count else {
            return
        }
        guard payloads.allSatisfy({ $0.count == length }) else {
            throw SystemError(operation: "send frames of different length", subject: name, code: EINVAL)
        }
        let (storage, size) = target(etherType: etherType, destination)
        var bytes = payloads.flatMap(\.self)[...]
        var attempts = 0
        while !bytes.isEmpty {
            do {
                let count = min(Self.sliceLength, bytes.count / max(1, length))
                let sent = try systemCall("send", name) {
                    withUnsafePointer(to: storage) { storage in
                        bytes.withUnsafeBytes {
                            vervet_send_slice(raw, $0.baseAddress, length, Int32(count), storage, size)
                        }
                    }
                }
                bytes = bytes.dropFirst(Int(sent) * length)
                attempts = 0
            } catch {
                attempts += 1
                guard [EAGAIN, ENOBUFS].contains(error.code), attempts < 500 else {
                    throw error
                }
                usleep(2000)
            }
        }
    }
}
