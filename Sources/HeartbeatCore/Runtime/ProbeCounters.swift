// SPDX-License-Identifier: Apache-2.0

/// What became of datagrams on the probes' ports.
struct ProbeCounters: Sendable, Equatable {
    var sent = 0
    var accepted = 0
    var malformed = 0
    var forged = 0
    var foreign = 0
    var replayed = 0
    var wrongTTL = 0
    var sendFailures = 0
}
