// SPDX-License-Identifier: Apache-2.0
import HealthChecks
public import IPVS
import LDirectorConfig

/// One call of a `fallbackcommand`.
public struct FallbackCall: Sendable, Hashable {
    /// What the command is told.
    public enum Word: String, Sendable {
        /// No server is up any more.
        case start
        /// The first server is up again.
        case stop
    }

    /// The virtual server.
    public var service: VirtualServiceKey

    /// The configured command, for a shell.
    public var command: String

    /// What it is told.
    public var word: Word

    /// Address and port of the virtual server, or its firewall mark.
    public var target: String

    /// tcp, udp, sctp or fwm.
    public var protocolWord: String

    /// What the shell is given.
    public var shellText: String { "\(command) \(word.rawValue) \(target) \(protocolWord)" }
}

extension Director {
    /// The calls that are due after something changed in these virtual servers; each is due once.
    ///
    /// A virtual server is spoken of for the first time when all of its servers have been checked, or one was found up.
    public mutating func fallbackCalls(of keys: some Sequence<VirtualServiceKey>) -> [FallbackCall] {
        var calls: [FallbackCall] = []
        for key in keys {
            guard let virtual = virtuals[key], let command = virtual.fallbackCommand, isKnown(virtual) else {
                continue
            }
            let word: FallbackCall.Word = hasServerUp(key) ? .stop : .start
            guard announced[key]?.word != word else {
                continue
            }
            let call = FallbackCall(
                service: key,
                command: command,
                word: word,
                target: virtual.name,
                protocolWord: virtual.identity.protocolWord
            )
            announced[key] = call
            calls.append(call)
        }
        return calls
    }

    /// Whether a virtual server has a `fallbackcommand` that was told nothing yet.
    func awaitsFirstFallbackCall(_ key: VirtualServiceKey) -> Bool {
        announced[key] == nil && virtuals[key]?.fallbackCommand != nil
    }

    /// The calls of an orderly stop: where it is asked for, what was started is stopped.
    public func fallbackCallsOnStop() -> [FallbackCall] {
        configuration.virtualServers.compactMap { virtual in
            guard virtual.lifeCycle.tellsFallbackCommandOnStop, var call = announced[virtual.key], call.word == .start
            else {
                return nil
            }
            call.word = .stop
            return call
        }
    }

    private func isKnown(_ virtual: VirtualServer) -> Bool {
        guard announced[virtual.key] == nil else {
            return true
        }
        let states = virtual.realServers.compactMap { self.states[ServerID(virtual.key, $0.key)] }
        return states.contains { $0.isUp && ($0.lastResult?.outcome == .up || $0.policy == .alwaysUp) }
            || states.allSatisfy { state in
                if case .checked = state.policy { state.lastResult != nil || state.hold != nil } else { true }
            }
    }
}
