// SPDX-License-Identifier: Apache-2.0
import LinuxKit

extension TableChange {
    /// What the change names, for the meaning of an errno.
    var target: IPVSError.Target {
        switch self {
        case .addService, .editService, .removeService: .service
        case .addDestination, .editDestination, .removeDestination: .destination
        }
    }

    /// What is wrong with the change before the kernel is asked; values that netlink would cut or misread.
    var problem: IPVSError? {
        func refused(_ why: String) -> IPVSError {
            IPVSError(.invalid, operation: operation, subject: subject, explanation: why)
        }
        if case .firewallMark(0, _) = serviceKey {
            return refused("a firewall mark must not be 0")
        }
        switch self {
        case .addService(let service), .editService(let service):
            guard (1...15).contains(service.scheduler.utf8.count) else {
                return refused("a scheduler's name has 1 to 15 characters")
            }
            guard (1...15).contains(service.persistenceEngine?.utf8.count ?? 1) else {
                return refused("a persistence engine's name has 1 to 15 characters")
            }
            let bits = service.key.family.byteCount * 8
            guard (service.key.family == .ipv4 ? 0...bits : 1...bits).contains(service.effectivePrefixLength) else {
                return refused("a prefix length for persistence is at most \(bits)")
            }
            return nil
        case .addDestination(let destination, _), .editDestination(let destination, _):
            guard (0...Int(Int32.max)).contains(destination.weight) else {
                return refused("a weight is 0 to \(Int32.max)")
            }
            return nil
        case .removeService, .removeDestination:
            return nil
        }
    }
}

extension IPVSClient.Failure {
    /// What a refusal comes to.
    enum Resolution: Equatable {
        /// The table is as wanted.
        case done
        /// The same end is reached by another change.
        case instead(TableChange)
        /// It stays undone.
        case failed
    }

    /// Folds "exists already" and "is not there" into what the change was meant to reach.
    var resolution: Resolution {
        switch (change, error.code) {
        case (.addService(let service), .alreadyExists): .instead(.editService(service))
        case (.editService(let service), .noSuchService): .instead(.addService(service))
        case (.addDestination(let destination, let key), .alreadyExists):
            .instead(.editDestination(destination, of: key))
        case (.editDestination(let destination, let key), .noSuchDestination):
            .instead(.addDestination(destination, to: key))
        case (.removeService, .noSuchService), (.removeDestination, .noSuchService),
            (.removeDestination, .noSuchDestination):
            .done
        default: .failed
        }
    }
}

extension SyncDaemon {
    /// What is wrong with the daemon before the kernel is asked; values that it would accept and misuse.
    var problem: IPVSError? {
        func refused(_ why: String) -> IPVSError {
            IPVSError(.invalid, operation: "start the sync \(role) on", subject: interface, explanation: why)
        }
        guard (1...15).contains(interface.utf8.count) else {
            return refused("an interface name has 1 to 15 characters")
        }
        guard syncID <= 255 else {
            return refused("syncid \(syncID) is above 255")
        }
        if let group, !group.isMulticast {
            return refused("\(group) is no multicast group")
        }
        return nil
    }
}
