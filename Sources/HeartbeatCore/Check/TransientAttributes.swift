// SPDX-License-Identifier: Apache-2.0

/// The node attributes that the cluster's status has, by node and name: what Pacemaker's scheduler goes by.
///
/// Its attribute daemon may have a value that the status has lost: a node that was away makes the others' go when it returns.
struct TransientAttributes: Equatable, Sendable {
    private var values: [String: [String: String]] = [:]

    /// Reads what `cibadmin --query --xpath //transient_attributes` prints; each has the node's number as id.
    init(status: String) {
        var scanner = TagScanner(status)
        var node: String?
        while let tag = scanner.next() {
            switch tag.name {
            case "transient_attributes": node = tag.isEnd || tag.isEmpty ? nil : tag.attributes["id"]
            case "nvpair" where !tag.isEnd:
                if let node, let name = tag.attributes["name"] {
                    values[node, default: [:]][name] = tag.attributes["value"] ?? ""
                }
            default: break
            }
        }
    }

    /// Whether a node's attribute is as it shall be.
    func has(_ attribute: NodeAttribute, of node: NodeID) -> Bool {
        values[String(node)]?[attribute.name] == attribute.value
    }
}
