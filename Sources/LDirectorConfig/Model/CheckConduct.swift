// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// How checks go about their work, whatever it is that they ask.
public struct CheckConduct: Sendable, Hashable {
    /// Hold a connection to each server and check at once when it breaks (`idlecheck`).
    public var holdsConnection = false

    /// The address that checks come from (`checksource`); nil leaves it to the routes.
    public var sourceAddress: IPAddress?

    /// The network interface that checks go out by (`checkinterface`); nil leaves it to the routes.
    public var interface: String?

    /// The largest weight that an external check may give its server (`dynamicweight`); 0 when it may give none.
    public var largestWeight = 0

    /// The conduct of a block that says nothing.
    public init() {}
}
