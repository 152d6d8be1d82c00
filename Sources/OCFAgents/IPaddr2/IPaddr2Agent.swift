// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Netlink

/// A virtual IP address, as a drop-in for `ocf:heartbeat:IPaddr2` that talks to the kernel itself.
///
/// It starts no other program: links, addresses and routes are read and changed over netlink, announcements leave
/// through a packet socket.
public struct IPaddr2Agent: OCFAgent {
    /// Name, version, parameters and actions.
    public static let declaration = AgentDeclaration(
        name: "IPaddr2",
        version: "0.1",
        summary: "Manages a virtual IP address",
        details: """
            Adds and removes a virtual IPv4 or IPv6 address, announces it to the neighbours, and watches it. Parameters and \
            results are those of ocf:heartbeat:IPaddr2; stop and monitor look for the address itself, so that it is removed \
            even when its route, its base address or its link has gone.
            """,
        parameters: IPaddr2Parameters.all,
        hiddenParameters: [IPaddr2Parameters.netmaskAlias, IPaddr2Parameters.table, IPaddr2Parameters.chain].map(
            \.name
        ),
        actions: [
            ActionDeclaration(.start, timeout: 20, needsRoot: true),
            ActionDeclaration(.stop, timeout: 20, needsRoot: true),
            ActionDeclaration(.status, timeout: 20, interval: 10, depth: 0),
            ActionDeclaration(.monitor, timeout: 20, interval: 10, depth: 0),
            ActionDeclaration(.reloadAgent, timeout: 20, needsRoot: true),
            ActionDeclaration(.validateAll, timeout: 20),
            ActionDeclaration(.metaData, timeout: 5),
        ]
    )

    let environment: AgentEnvironment
    let log: AgentLog
    /// The addresses; a resource with one has a set of one.
    let set: AddressSet
    /// What holds for all of them.
    let settings: AddressSettings

    /// Reads the parameters.
    public init(environment: AgentEnvironment, log: AgentLog) {
        self.environment = environment
        self.log = log
        set = AddressSet(environment)
        settings = set.representative ?? AddressSettings(environment)
    }

    /// Runs an action.
    public func run(_ action: AgentAction) throws(OCFError) -> OCFExit {
        if !set.isList, let cluster = settings.cluster {
            return try run(action, cluster)
        }
        switch action {
        case .start: return try start()
        case .stop: return try stop()
        case .monitor: return try monitor(environment.isProbe ? .probe : .recurring)
        case .status: return try monitor(.status)
        case .validateAll: return try validate()
        case .reloadAgent: return try reload()
        default: throw OCFError(.unimplemented, "action \(action.rawValue) is not offered")
        }
    }

    /// Runs `body` with a netlink socket in the network namespace of the resource.
    ///
    /// - Throws: ``OCFError`` with ``OCFExit/installed`` when the namespace does not exist.
    func withNetwork<Result>(
        _ body: (borrowing NetlinkSocket) throws(OCFError) -> Result
    ) throws(OCFError) -> Result {
        try namespace.enter()
        let socket: NetlinkSocket
        do {
            socket = try NetlinkSocket(.route)
        } catch {
            throw OCFError(error)
        }
        return try body(socket)
    }

    /// Whether the namespace of the resource does not exist, so that no address can be in it.
    var isNamespaceMissing: Bool { namespace.isMissing }

    private var namespace: NetworkNamespaceEntry {
        NetworkNamespaceEntry(IPaddr2Parameters.namespace.name, settings.namespace)
    }
}

extension OCFError {
    /// Any error as the failure of an action.
    init(any error: any Error) {
        switch error {
        case let error as OCFError: self = error
        case let error as NetlinkError: self.init(error)
        case let error as SystemError: self.init(error)
        default: self.init(.generic, "\(error)")
        }
    }

    /// A refused or failed netlink request as the failure of an action.
    init(_ error: NetlinkError) {
        self.init(error.code == EPERM ? .permission : .generic, error.description)
    }

    /// A failed system call as the failure of an action.
    init(_ error: SystemError) {
        self.init(error.code == EPERM ? .permission : .generic, error.description)
    }
}
