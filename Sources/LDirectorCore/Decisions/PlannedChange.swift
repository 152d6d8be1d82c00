// SPDX-License-Identifier: Apache-2.0
public import IPVS

/// A change of the kernel's table and the event line that tells of it once it is done.
public struct PlannedChange: Sendable, Equatable {
    /// The change.
    public var change: TableChange

    /// The event line; its action words are read by log scrapers.
    public var line: String
}
