// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Netlink

/// Remembers the loopback copy of an address while it lives on the interface (`lvs_support`).
///
/// The file is the one of `ocf:heartbeat:IPaddr2`, `<ip> 32 255.255.255.255 lo`, with the scope as a further field;
/// both forms are read.
struct LoopbackMemory: Sendable, Equatable {
    let path: String
    let address: IPAddress

    init(directory: String, address: IPAddress) {
        path = "\(directory)/\(address)"
        self.address = address
    }

    /// The copy that start takes away; nil when there is none.
    func copy(in view: NetworkView) -> AddressHolder? {
        view.addresses.lazy.compactMap { candidate -> AddressHolder? in
            guard candidate.address == address, candidate.prefixLength == 32,
                let link = view.link(candidate.interfaceIndex), link.name.hasPrefix("lo")
            else {
                return nil
            }
            return AddressHolder(link: link, address: candidate)
        }.first
    }

    /// Notes a copy before it is taken away.
    func save(_ holder: AddressHolder) throws(SystemError) {
        if let slash = path.lastIndex(of: "/") {
            try TextFile.makeDirectory(String(path[..<slash]))
        }
        let scope = holder.address.scope.rawValue
        try TextFile.write(path, "\(address) 32 255.255.255.255 \(holder.link.name) \(scope)\n")
    }

    /// What is to be put back; nil when nothing was saved.
    func saved(in view: NetworkView) -> InterfaceAddress? {
        guard let text = try? TextFile.read(path, limit: 256) else {
            return nil
        }
        let fields = text.split(whereSeparator: \.isWhitespace)
        guard fields.count >= 4, IPAddress(String(fields[0])) == address, let link = view.link(named: String(fields[3]))
        else {
            return nil
        }
        let scope = fields.count > 4 ? UInt8(fields[4]).flatMap(InterfaceAddress.Scope.init) : nil
        return InterfaceAddress(
            interfaceIndex: link.index,
            address: address,
            prefixLength: 32,
            broadcast: IPAddress(String(fields[2])),
            label: link.name,
            scope: scope ?? .global
        )
    }

    /// Forgets what was saved.
    func forget() { _ = unlink(path) }
}
