// SPDX-License-Identifier: Apache-2.0

/// How the servers of one virtual server come, go and are kept, beyond what the Perl program knew.
public struct LifeCycleSettings: Sendable, Hashable {
    /// What is done about changes of the table that somebody else made.
    public enum Reconciliation: String, Sendable, Hashable, CaseIterable {
        /// Nothing until a server comes up or goes down: weights set by hand are respected.
        case off
        /// Services and servers that are missing are added again; anything else stays as it was found.
        case missing
        /// The table is brought back to what is configured.
        case all
    }

    /// Successful checks in a row that bring back a server that failed (`risecount`).
    public var riseCount = 1

    /// Time for which a server that recovered is not used yet (`warmup`); it does not wait where no other is up.
    public var warmup: Duration = .zero

    /// The largest share of the servers, in percent, that checks may take out (`depoolthreshold`); 100 is no limit.
    public var depoolThreshold = 100

    /// What is done about changes by others (`reconcile`).
    public var reconciliation = Reconciliation.off

    /// Time after which a drained server leaves the table altogether (`drainlimit`); zero is never.
    public var drainLimit: Duration = .zero

    /// Whether an orderly stop takes back the start of `fallbackcommand` (`fallbackcommandonstop`).
    public var tellsFallbackCommandOnStop = false

    /// The settings of a file that says nothing.
    public init() {}
}
