// SPDX-License-Identifier: Apache-2.0

/// A check that every server of a block must pass besides the block's own (`check`).
public struct FurtherCheck: Sendable, Hashable {
    /// What reasons call it.
    public var name: String

    /// How it is done; interval and failure count are those of the block.
    public var settings: CheckSettings

    /// Names a check.
    public init(name: String, settings: CheckSettings) {
        self.name = name
        self.settings = settings
    }
}
