// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// The parameter `unique_clone_address`: every instance of a clone has an address of its own, counted up from `ip`.
enum CloneAddress {
    /// The address of an instance: the last octet of the base plus the instance's number.
    ///
    /// - Parameters:
    ///   - base: The address of instance 0.
    ///   - clone: The number of the instance.
    /// - Returns: nil for IPv6, and when the last octet would exceed 255.
    static func address(_ base: IPAddress, clone: Int) -> IPAddress? {
        guard let value = base.ipv4Value, clone >= 0, clone <= 255 - Int(value & 0xff) else {
            return nil
        }
        return IPAddress(ipv4: value + UInt32(clone))
    }
}
