// SPDX-License-Identifier: Apache-2.0
import HealthChecks
import LDirectorConfig

extension Director {
    /// Takes note of the weight that a check gave one server.
    ///
    /// - Returns: What follows; nothing where an operator has set the weight, and while the check says the same as before:
    ///   a weight that somebody set with ipvsadm stays until the check changes its mind.
    mutating func weigh(_ result: CheckResult, _ plan: CheckPlan, _ id: ServerID) -> Transition.Kind? {
        guard plan.largestWeight > 0, result.outcome == .up, var state = states[id],
            state.checkWeight != result.weight
        else {
            return nil
        }
        state.checkWeight = result.weight
        if state.isUp {
            state.reason = result.weight.map { "weight \($0) by its check" } ?? "ok"
        }
        states[id] = state
        guard state.isUp, state.weightOverride == nil else {
            return nil
        }
        let configured = virtuals[id.service]?.realServers.first { $0.key == id.destination }?.weight
        return .weight(result.weight ?? configured ?? 1)
    }
}

extension ServerState {
    /// The weight that the server has while it is up: an operator's, else its check's, else the configured one.
    func weight(of real: RealServer) -> Int { weightOverride ?? checkWeight ?? real.weight }
}

extension CheckPlan {
    /// The largest weight that the check may give; 0 when it may give none.
    var largestWeight: Int {
        if case .all(let parts) = first.method {
            return parts.map(\.probe.largestWeight).max() ?? 0
        }
        return first.largestWeight
    }
}
