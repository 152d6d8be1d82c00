// SPDX-License-Identifier: Apache-2.0

/// The parameters of `ocf:vervet:configsync`; none is needed.
enum ConfigSyncParameters {
    static let files = Parameter(
        "files",
        default: "/etc/ha.d/ldirectord.cf",
        summary: "Files to keep the same",
        details: """
            The absolute paths of the configuration files of ldirectord that shall be the same on all directors, separated \
            by blanks. No other file is ever written.
            """
    )
    static let binary = Parameter(
        "binary",
        default: "/usr/sbin/configsync",
        summary: "The configsync program",
        details: "Path of the program that is run."
    )
    static let control = Parameter(
        "control",
        default: "/run/vervet/configsync.sock",
        summary: "Control socket",
        details: """
            The socket on which the daemon answers; its process is noted beside it, with .pid instead of .sock. ldirectord's \
            callback and the vervet command find only the default.
            """
    )
    static let state = Parameter(
        "state",
        default: "/var/lib/vervet/config",
        summary: "Directory of the versions",
        details: "Where the daemon remembers which version of a file this director has. It must survive a restart."
    )

    static let all = [files, binary, control, state]
}
