// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit

/// The addresses of a resource, each with the settings that hold for it: one from `ip`, or those of the list `ips`.
struct AddressSet: Sendable {
    /// For every address the settings with its own prefix and interface, in the order of the parameter.
    private(set) var members: [AddressSettings] = []
    /// Whether they come from the parameter `ips`.
    let isList: Bool
    /// What is wrong with the list.
    private(set) var problem: String?
    /// What is wrong with parameters that matter to the set as a whole.
    private(set) var otherProblem: String?
    /// Whether a file names addresses, so that they may differ at stop from those that were started.
    let usesFiles: Bool
    /// Frames that the rounds after the first send in a second on one interface.
    let framesPerSecond: Int
    /// Whether the announcements after each address's first are left to the background; those of a list are, unless
    /// `arp_bg` is false.
    let announcesInBackground: Bool

    /// Reads the set; parameters that cannot be read are noted as problems.
    init(_ environment: AgentEnvironment) {
        let single = environment.text(IPaddr2Parameters.ip)
        let text = environment.text(IPaddr2Parameters.ips)
        let rate = AgentEnvironment.decimal(environment.text(IPaddr2Parameters.arpRate)) ?? 0
        framesPerSecond = (1...1_000_000).contains(rate) ? rate : 1000
        if framesPerSecond != rate {
            otherProblem = "arp_rate=\"\(environment.text(IPaddr2Parameters.arpRate))\" is not 1 to 1000000"
        }
        isList = !text.isEmpty
        guard isList else {
            let settings = AddressSettings(environment)
            members = [settings]
            usesFiles = false
            announcesInBackground = settings.announcesInBackground
            return
        }
        let list = AddressList(single.isEmpty ? text : "\(single) \(text)") {
            (path) throws(AddressList.Refusal) in try Self.read(path)
        }
        usesFiles = list.usesFiles
        problem = list.problem
        let background = environment.text(IPaddr2Parameters.arpBackground)
        announcesInBackground = background.isEmpty || AgentEnvironment.isTrue(background)
        add(list.items, environment)
        if AgentEnvironment.decimal(environment.meta("clone_max") ?? "1") ?? 0 > 1,
            !environment.text(IPaddr2Parameters.nic).hasPrefix("lo")
        {
            otherProblem =
                otherProblem ?? "ips cannot be shared by the nodes of a clone: do not clone it, or use nic=lo"
        }
    }

    private mutating func add(_ items: [AddressList.Item], _ environment: AgentEnvironment) {
        var bases: [IPAddress.Family: AddressSettings] = [:]
        for item in items {
            let base = bases[item.address.family] ?? Self.base(item, items, environment)
            bases[item.address.family] = base
            let member = base.with(item.address, prefix: item.prefix, nic: item.nic)
            if item.address.family == .ipv6 && item.address.isLinkLocal && member.nic.isEmpty {
                problem = problem ?? "ips item \"\(item.address)\" is link-local: add %nic to say on which link"
            }
            members.append(member)
        }
    }

    /// What holds for all addresses of one family.
    private static func base(
        _ item: AddressList.Item,
        _ items: [AddressList.Item],
        _ environment: AgentEnvironment
    ) -> AddressSettings {
        var variables = environment.variables
        let family = item.address.family
        // Any address of the family will do, except one that would be judged by the interface it lacks here.
        variables["OCF_RESKEY_ip"] = family == .ipv4 ? "\(item.address)" : "2001:db8::1"
        if items.allSatisfy({ $0.address.family != family || $0.prefix != nil }) {
            // A cidr_netmask for the addresses of the other family must not count as wrong here.
            variables["OCF_RESKEY_cidr_netmask"] = nil
            variables["OCF_RESKEY_netmask"] = nil
        }
        return AddressSettings(
            AgentEnvironment(variables: variables, type: environment.type, executable: environment.executable)
        )
    }

    /// Settings that stand for the set where the single address does not matter; those of IPv6 say more.
    var representative: AddressSettings? {
        members.first { $0.address?.family == .ipv6 } ?? members.first
    }

    /// The set in words.
    var summary: String {
        let first = members.first?.address.map(\.description) ?? "none"
        return members.count == 1 ? first : "\(members.count) addresses from \(first)"
    }

    /// Why no address can be looked for; nil when there is one at least, as far as the parameters can be read.
    var unreadable: String? {
        problem ?? members.lazy.filter { $0.address == nil }.compactMap(\.placementProblem).first
    }

    /// Why the addresses cannot be placed.
    var placementProblem: String? { problem ?? members.lazy.compactMap(\.placementProblem).first }

    /// Why start and validate-all refuse the parameters although the addresses can be placed.
    var configurationProblem: String? { otherProblem ?? members.lazy.compactMap(\.otherProblem).first }

    /// Which members are missing, the first few by name.
    func explain(missing: [Int]) -> String {
        let names = missing.prefix(3).compactMap { members[$0].address.map(\.description) }.joined(separator: ", ")
        return "\(missing.count) of \(members.count) addresses are not configured here: \(names)"
            + (missing.count > 3 ? ", …" : "")
    }

    /// Reads a file of items, which nobody but its owner may have written.
    private static func read(_ path: String) throws(AddressList.Refusal) -> String {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw AddressList.Refusal(reason: SystemError.last("stat").reason)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw AddressList.Refusal(reason: "not a regular file")
        }
        guard status.st_mode & 0o022 == 0 else {
            throw AddressList.Refusal(reason: "its group or others may write it: chmod go-w \(path)")
        }
        let limit = 1 << 20
        guard status.st_size < limit else {
            throw AddressList.Refusal(reason: "larger than 1 MiB")
        }
        do {
            return try TextFile.read(path, limit: limit)
        } catch {
            throw AddressList.Refusal(reason: error.reason)
        }
    }
}
