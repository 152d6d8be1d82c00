// SPDX-License-Identifier: Apache-2.0

/// What Pacemaker's configuration makes of the heartbeat's attributes.
public struct ClusterRules: Equatable, Sendable {
    /// Resources that a rule with `score-attribute="hb-score"` places, by the resource's name.
    public var followers: Set<String> = []

    /// Those of them that another rule prefers to nodes that have no hb-score, as if they were healthy.
    public var forgiving: Set<String> = []

    /// Groups and how many resources are in each.
    public var groups: [String: Int] = [:]

    /// The default stickiness of a resource.
    public var stickiness = 0

    /// Resources that a heartbeat attribute forbids with -INFINITY.
    public var forbidden: Set<String> = []

    /// Whether a mandatory order makes a service wait for the heartbeat.
    public var hasMandatoryOrder = false

    /// Whether fencing is on.
    public var hasFencing = true

    /// Reads the configuration as `cibadmin -Q` prints it.
    public init(cib: String) {
        var scanner = TagScanner(cib)
        var group: String?
        var location: String?
        var rule: TagScanner.Tag?
        var isDefaults = false
        var heartbeats: Set<String> = []
        var clone: String?
        while let tag = scanner.next() {
            switch tag.name {
            case "group":
                group = tag.isEnd || tag.isEmpty ? nil : tag.attributes["id"]
            case "clone":
                clone = tag.isEnd ? nil : tag.attributes["id"]
            case "primitive" where !tag.isEnd:
                if let group {
                    groups[group, default: 0] += 1
                }
                if tag.attributes["provider"] == "vervet", tag.attributes["type"] == "heartbeat" {
                    heartbeats.formUnion([tag.attributes["id"], clone].compactMap { $0 })
                }
            case "rsc_defaults": isDefaults = !tag.isEnd && !tag.isEmpty
            case "nvpair":
                switch tag.attributes["name"] {
                case "resource-stickiness" where isDefaults: stickiness = Self.score(tag.attributes["value"] ?? "")
                case "stonith-enabled": hasFencing = tag.attributes["value"] != "false"
                default: break
                }
            case "rsc_location": location = tag.isEnd ? nil : tag.attributes["rsc"]
            case "rule":
                rule = tag.isEnd ? nil : tag
                if !tag.isEnd, tag.attributes["score-attribute"] == "hb-score", let location {
                    followers.insert(location)
                }
            case "expression":
                let isOurs = tag.attributes["attribute"]?.hasPrefix("hb-") ?? false
                if let location, tag.attributes["attribute"] == "hb-score",
                    tag.attributes["operation"] == "not_defined", Self.score(rule?.attributes["score"] ?? "0") > 0
                {
                    forgiving.insert(location)
                }
                if isOurs, let location, Self.score(rule?.attributes["score"] ?? "0") <= -1_000_000 {
                    forbidden.insert(location)
                }
            case "rsc_order" where !tag.isEnd:
                let kind = tag.attributes["kind"] ?? (tag.attributes["score"] == "0" ? "Optional" : "Mandatory")
                if heartbeats.contains(tag.attributes["first"] ?? ""), kind != "Optional" {
                    hasMandatoryOrder = true
                }
            default: break
            }
        }
    }

    /// Pacemaker's scores; INFINITY is a million.
    private static func score(_ text: String) -> Int {
        switch text {
        case "INFINITY", "+INFINITY": 1_000_000
        case "-INFINITY": -1_000_000
        default: Int(text) ?? 0
        }
    }

    /// What should be set otherwise.
    ///
    /// - Parameters:
    ///   - weight: What a designated link adds to the score.
    ///   - full: The score of a healthy node; nil with one designated link.
    /// - Returns: Nothing when all is well.
    public func advice(weight: Int, full: Int? = nil) -> [Advice] {
        let full = full ?? weight
        var advice: [Advice] = []
        if followers.isEmpty, forbidden.isEmpty {
            advice.append(
                Advice(
                    finding: "no location rule uses hb-score: a dead link moves nothing",
                    remedy: "crm configure location loc-hb GROUP rule hb-score: defined hb-score "
                        + "rule \(full): not_defined hb-score"
                )
            )
        }
        for name in followers.sorted() {
            let members = groups[name] ?? 1
            if stickiness * members >= weight {
                advice.append(
                    Advice(
                        finding:
                            "\(name) sticks with \(stickiness * members) (resource-stickiness \(stickiness) "
                            + "for each of "
                            + "\(members)), a dead link weighs \(weight): nothing moves",
                        remedy:
                            "set resource-stickiness below \(max(1, weight / members)), or a greater weight of the link"
                    )
                )
            }
        }
        for name in followers.subtracting(forgiving).sorted() {
            advice.append(
                Advice(
                    finding:
                        "where hb-score is lost, as after a node was away, \(name) flees from a healthy node: no rule "
                        + "is for nodes without hb-score",
                    remedy: "add to the location constraint of \(name): rule \(full): not_defined hb-score"
                )
            )
        }
        for name in forbidden.sorted() {
            advice.append(
                Advice(
                    finding:
                        "a rule forbids \(name) where a heartbeat attribute is bad: it stops everywhere when all are",
                    remedy: "use rule hb-score: defined hb-score instead of -INFINITY"
                )
            )
        }
        if hasMandatoryOrder {
            advice.append(
                Advice(
                    finding:
                        "a mandatory order makes a service wait for the heartbeat: the end of a heartbeat stops it",
                    remedy: "make the order Optional"
                )
            )
        }
        if !hasFencing {
            advice.append(
                Advice(
                    finding: "stonith-enabled is false: when all links are cut both directors have the address",
                    remedy: "configure fencing"
                )
            )
        }
        return advice
    }
}
