// SPDX-License-Identifier: Apache-2.0
public import IPVS
import LDirectorConfig

extension Director {
    /// The services whose table is looked after (`reconcile`).
    public var reconciledServices: Set<VirtualServiceKey> {
        Set(configuration.virtualServers.filter { $0.lifeCycle.reconciliation != .off }.map(\.key))
    }

    /// The changes that undo what somebody else did, as far as each virtual server asks for it.
    ///
    /// - Parameter table: The kernel's table, at least ``reconciledServices``.
    /// - Returns: The changes in their order.
    public func repairs(of table: [ServiceEntry]) -> [PlannedChange] {
        synchronisation(with: table, only: reconciledServices).filter { planned in
            guard virtuals[planned.change.serviceKey]?.lifeCycle.reconciliation == .missing else {
                return true
            }
            return switch planned.change {
            case .addService, .addDestination: true
            case .editService, .editDestination, .removeService, .removeDestination: false
            }
        }.map { PlannedChange(change: $0.change, line: "Repairing: \($0.line)") }
    }
}
