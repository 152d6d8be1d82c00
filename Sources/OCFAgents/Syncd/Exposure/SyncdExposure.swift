// SPDX-License-Identifier: Apache-2.0

/// How the time is bounded for which a new connection is unknown to the other directors.
struct SyncdExposure: Equatable {
    /// The master's datagrams hold one record of IPv4: header of 8 bytes, record of 36.
    static let masterLength: UInt16 = 44

    /// The longest time between two nudges while there are new connections.
    let interval: Duration
    /// How many source ports the nudges use in turn.
    let ports: Int

    /// - Parameters:
    ///   - milliseconds: The time between two nudges.
    ///   - refreshSeconds: The refresh period, within which the kernel makes no second record of a connection.
    init(milliseconds: Int, refreshSeconds: Int) {
        interval = .milliseconds(milliseconds)
        ports = (refreshSeconds + 2) * 1000 / milliseconds + 1
    }
}
