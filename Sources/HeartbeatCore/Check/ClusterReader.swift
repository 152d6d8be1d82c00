// SPDX-License-Identifier: Apache-2.0
public import Corosync
import Glibc
import LinuxKit

/// Reads what ``CorosyncSettings`` and ``ClusterRules`` judge from the running cluster.
public enum ClusterReader {
    private static let programs = ["/usr/sbin/cibadmin", "/usr/bin/cibadmin"]

    /// Corosync's values, as they are in effect.
    ///
    /// - Returns: The values.
    /// - Throws: ``CorosyncError`` when Corosync does not run here.
    public static func corosync() throws(CorosyncError) -> CorosyncSettings {
        try corosync(try ConfigurationMap())
    }

    /// The same by a connection that is there already.
    static func corosync(_ map: borrowing ConfigurationMap) throws(CorosyncError) -> CorosyncSettings {
        var links: [UInt8: CorosyncSettings.Link] = [:]
        let position = try map.number("nodelist.local_node_pos") ?? 0
        for link in UInt8(0)..<8 where try map.text("nodelist.node.\(position).ring\(link)_addr") != nil {
            let running = "runtime.config.totem.interface.\(link)."
            links[link] = CorosyncSettings.Link(
                pingInterval: Int(try map.number(running + "knet_ping_interval") ?? 0),
                pingTimeout: Int(try map.number(running + "knet_ping_timeout") ?? 0),
                priority: Int(try map.octet("totem.interface.\(link).knet_link_priority") ?? 1)
            )
        }
        let positions = try map.keys(prefix: "nodelist.node.").compactMap {
            $0.split(separator: ".").dropFirst(2).first
        }
        let isSecure = try map.text("totem.secauth") == "on"
        return CorosyncSettings(
            token: Int(try map.number("runtime.config.totem.token") ?? 0),
            linkMode: try map.text("totem.link_mode") ?? "passive",
            cipher: try map.text("totem.crypto_cipher") ?? (isSecure ? "aes256" : "none"),
            hash: try map.text("totem.crypto_hash") ?? (isSecure ? "sha256" : "none"),
            links: links,
            nodes: Set(positions).count
        )
    }

    /// Pacemaker's configuration.
    ///
    /// - Returns: The rules; nil when Pacemaker does not answer.
    public static func pacemaker() -> ClusterRules? {
        guard let program = programs.first(where: { access($0, X_OK) == 0 }),
            let outcome = try? ChildProcess.run([program, "-Q"], timeout: .seconds(10), limit: 8 << 20),
            outcome.status.isSuccess
        else {
            return nil
        }
        return ClusterRules(cib: outcome.outputText)
    }
}
