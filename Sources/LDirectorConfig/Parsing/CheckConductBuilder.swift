// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// Reads how the checks of one block go about their work, and says what has no effect.
struct CheckConductBuilder {
    let block: BlockDraft
    let inherited: DirectiveValues
    let findings: Findings

    private var values: DirectiveValues { block.values }

    func conduct() -> CheckConduct {
        var conduct = CheckConduct()
        conduct.holdsConnection = values.flag(.idlecheck) ?? inherited.flag(.idlecheck) ?? false
        conduct.interface = values.text(.checkinterface) ?? inherited.text(.checkinterface)
        conduct.largestWeight = values.count(.dynamicweight) ?? inherited.count(.dynamicweight) ?? 0
        if let written = values.text(.checksource).flatMap(IPAddress.init), let place = values[.checksource]?.token {
            conduct.sourceAddress = written
            if written.family != block.family {
                let wanted = block.family == .ipv4 ? "IPv4" : "IPv6"
                findings.error(
                    .badAddress,
                    place,
                    "checks of this block come from an \(wanted) address, not \(place.quoted)"
                )
            }
        } else if let common = inherited.text(.checksource).flatMap(IPAddress.init), common.family == block.family {
            // A common address serves the blocks of its family; the others choose by their routes.
            conduct.sourceAddress = common
        }
        return conduct
    }

    /// Warns about lines of the block that do nothing with its checks.
    func warn(about server: VirtualServer) {
        let check = server.check
        if values.flag(.idlecheck) == true, !check.usesConnection(server.identity.transport),
            let place = values[.idlecheck]
        {
            findings.warning(.noEffect, place.name, "'idlecheck' has no effect: these checks make no TCP connection")
        }
        if let place = values[.dynamicweight], check.conduct.largestWeight > 0, !check.isExternal {
            findings.warning(.noEffect, place.name, "'dynamicweight' has no effect unless the check is external")
        }
        if let place = values[.checksource] ?? values[.checkinterface], check.isExternal {
            findings.warning(.noEffect, place.name, "\(place.name.quoted) has no effect on external checks")
        }
    }
}

extension CheckSettings {
    /// Whether a program decides.
    var isExternal: Bool { type == .external || type == .externalPerl }

    /// Whether checks make TCP connections to the server, so that one can be held.
    public func usesConnection(_ transport: TransportProtocol?) -> Bool {
        let isStream = transport == nil || transport == .tcp
        switch type {
        case .on, .off, .ping: return false
        case .connect, .external, .externalPerl: return isStream
        case .negotiate, .combined:
            switch service {
            case .none, .radius, .udp: return false
            case .dns, .sip, .simpletcp: return isStream
            default: return true
            }
        }
    }
}
