// SPDX-License-Identifier: Apache-2.0

/// The parameters of `ocf:vervet:heartbeat`; none is needed.
enum HeartbeatParameters {
    static let config = Parameter(
        "config",
        default: "",
        reloadable: true,
        summary: "Configuration file",
        details: """
            The heartbeat's configuration file. Empty is /etc/vervet/heartbeat.conf if that exists; without a file the \
            links and peers are those of corosync, and link 0 carries the service.
            """
    )
    static let binary = Parameter(
        "binary",
        default: "/usr/sbin/heartbeat",
        summary: "The heartbeat program",
        details: "Path of the program that is run."
    )
    static let control = Parameter(
        "control",
        default: "/run/vervet/heartbeat.sock",
        summary: "Control socket",
        details: """
            The socket on which the daemon answers; its process is noted beside it, with .pid instead of .sock. The \
            heartbeat command finds only the default without its option --control.
            """
    )
    static let extraArguments = Parameter(
        "extra_args",
        default: "",
        reloadable: true,
        summary: "Further arguments",
        details: "Further arguments of \"heartbeat run\", separated by blanks, such as --log-file PATH."
    )

    static let managers = ["agent", "systemd"]
    static let managed = Parameter(
        "managed",
        .select(managers),
        default: "agent",
        summary: "Who starts and ends the daemon",
        details: """
            "agent": this resource does. "systemd": heartbeat.service does, and the resource only checks that the daemon \
            runs, answers and is in the group of heartbeats; config, binary and extra_args are then the unit's matter.
            """
    )

    static let all = [config, binary, control, extraArguments, managed]
}
