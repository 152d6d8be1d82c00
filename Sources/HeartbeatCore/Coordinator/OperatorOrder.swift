// SPDX-License-Identifier: Apache-2.0

/// What an operator may tell the running heartbeat, as the words of a request.
public enum OperatorOrder: Equatable, Sendable {
    /// Publish this about our designated links, whatever the evidence says, for so long.
    case force(isHealthy: Bool, Duration)

    /// Go by the evidence again.
    case forceOff

    /// Leave what is published as it is, for so long; nil until told otherwise.
    case maintenance(Duration?, ofCluster: Bool)

    /// Publish again.
    case maintenanceOff(ofCluster: Bool)

    /// The longest time for which a verdict can be forced: nobody remembers one that stays.
    public static let longestForce = Duration.seconds(3600)

    /// Reads `force fault|healthy SECONDS`, `force off`, `maintenance on [SECONDS] [cluster]`, `maintenance off [cluster]`.
    ///
    /// - Parameter text: The request.
    public init?(_ text: String) {
        var words = text.split(separator: " ").map(String.init)
        let isOfCluster = words.first == "maintenance" && words.last == "cluster"
        if isOfCluster {
            words.removeLast()
        }
        let seconds = words.count == 3 ? Int64(words[2]).flatMap { (1...31_536_000).contains($0) ? $0 : nil } : nil
        switch (words.first, words.dropFirst().first, words.count) {
        case ("force", "off", 2): self = .forceOff
        case ("force", "fault", 3), ("force", "healthy", 3):
            guard let seconds, .seconds(seconds) <= Self.longestForce else {
                return nil
            }
            self = .force(isHealthy: words[1] == "healthy", .seconds(seconds))
        case ("maintenance", "on", 2): self = .maintenance(nil, ofCluster: isOfCluster)
        case ("maintenance", "on", 3):
            guard let seconds else {
                return nil
            }
            self = .maintenance(.seconds(seconds), ofCluster: isOfCluster)
        case ("maintenance", "off", 2): self = .maintenanceOff(ofCluster: isOfCluster)
        default: return nil
        }
    }

    /// The request that reads as this order for one node.
    var textForOneNode: String {
        switch self {
        case .force(let isHealthy, let time): "force \(isHealthy ? "healthy" : "fault") \(time.components.seconds)"
        case .forceOff: "force off"
        case .maintenance(let time?, _): "maintenance on \(time.components.seconds)"
        case .maintenance(nil, _): "maintenance on"
        case .maintenanceOff: "maintenance off"
        }
    }
}
