// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import IPVS
import LinuxKit
import Testing

extension Trait where Self == ConditionTrait {
    /// The kernel has IPVS and we may use it.
    static var needsIPVS: Self {
        .enabled(
            if: access("/proc/net/ip_vs", R_OK) == 0 && geteuid() == 0,
            "needs root and a kernel with ip_vs; lab/run-guest-tests runs it in the lab guest"
        )
    }
}

/// Something that a test needs could not be had.
struct SetupFailure: Error {
    let what: String
}

/// Runs `body` in a new network namespace, which goes when it ends, and brings the thread back to its own.
///
/// A namespace belongs to a thread, and tasks change theirs only where they wait: `body` cannot.
func inNewNamespace<Result>(_ body: () throws -> Result) throws -> Result {
    let home = try OwnedDescriptor(opening: "/proc/thread-self/ns/net", flags: O_RDONLY)
    try systemCall("unshare") { vervet_unshare_network() }
    defer {
        // Going on in the wrong namespace would spoil every later test of this thread.
        precondition(vervet_setns_network(home.raw) == 0, "cannot return to the network namespace")
    }
    try tool("/usr/sbin/ip", "link", "set", "lo", "up")
    return try body()
}

/// Runs a program in the thread's namespace and returns what it prints.
@discardableResult
func tool(_ arguments: String...) throws -> String {
    let outcome = try ChildProcess.run(arguments, timeout: .seconds(60))
    guard outcome.status.isSuccess else {
        throw SetupFailure(what: "\(arguments.joined(separator: " ")): \(outcome.status) \(outcome.errorText)")
    }
    return outcome.outputText
}

/// The table as ipvsadm sees it, one option line for each service and server, sorted.
func ipvsadmLines() throws -> [String] {
    try tool("/usr/sbin/ipvsadm", "-Sn").split(separator: "\n").map(String.init).sorted()
}

func address(_ text: String) throws -> IPAddress {
    guard let address = IPAddress(text) else {
        throw SetupFailure(what: "\(text) is no address")
    }
    return address
}

func key(_ transport: TransportProtocol, _ text: String, _ port: UInt16 = 80) throws -> VirtualServiceKey {
    .address(transport, try address(text), port: port)
}

func server(
    _ text: String,
    _ port: UInt16 = 80,
    _ forwarding: Destination.ForwardingMethod = .directRouting,
    weight: Int = 1
) throws -> Destination {
    Destination(.init(try address(text), port: port), forwarding: forwarding, weight: weight)
}
