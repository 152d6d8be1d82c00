// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Glibc
import LinuxKit
import SyncRelayCore

/// `syncrelay run`: the daemon itself; who wants it in the background starts it there (the OCF agent).
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run the relay until it is told to stop.")

    @OptionGroup var control: ControlOption

    @Option(help: "Interface of the kernel's master daemon.")
    var capture = RelayConfiguration().captureInterface

    @Option(help: "Interface of the kernel's backup daemon.")
    var inject = RelayConfiguration().injectionInterface

    @Option(help: "Syncid of the master daemon, 1 to 255; the same on all directors of a group.")
    var syncid = RelayConfiguration().settings.syncID

    @Option(help: "Syncid of the backup daemon, another one.")
    var backupSyncid = RelayConfiguration().settings.backupSyncID

    @Option(help: "Multicast group of both daemons.")
    var group = RelayConfiguration().group.description

    @Option(help: "UDP port of both daemons.")
    var port = RelayConfiguration().port

    @Option(help: "How data travels to the other directors: cpg or udp.")
    var transport = RelayConfiguration().transport.rawValue

    @Option(help: "UDP port for --transport udp, on every address that corosync uses.")
    var transportPort = RelayConfiguration().transportPort

    @Option(help: "File with the key for --transport udp (default: corosync's).")
    var keyFile: String?

    @Option(help: "Milliseconds for which connections are collected before they are sent together, 1 to 1000.")
    var batch = 10

    @Option(help: "Take the connections of these virtual services only: ADDRESS[:PORT],... (default: of all).")
    var only: String?

    @Flag(inversion: .prefixedNo, help: "Ask the others for the connections that were missed.")
    var resync = true

    @Flag(help: "Write the log to standard error instead of syslog.")
    var foreground = false

    func validate() throws {
        guard syncid != 0, syncid != backupSyncid else {
            throw ValidationError("--syncid and --backup-syncid must differ, and --syncid is not 0")
        }
        guard IPAddress(group)?.isMulticast ?? false else {
            throw ValidationError("--group takes a multicast address")
        }
        guard RelayConfiguration.Transport(rawValue: transport) != nil else {
            throw ValidationError("--transport takes cpg or udp")
        }
        guard (1...1000).contains(batch) else {
            throw ValidationError("--batch takes 1 to 1000")
        }
        guard only.map({ ServiceFilter($0) != nil }) ?? true else {
            throw ValidationError("--only takes addresses with or without a port, separated by commas")
        }
    }

    func run() throws {
        var configuration = RelayConfiguration()
        configuration.captureInterface = capture
        configuration.injectionInterface = inject
        configuration.group = IPAddress(group) ?? configuration.group
        configuration.port = port
        configuration.transport = RelayConfiguration.Transport(rawValue: transport) ?? .cpg
        configuration.transportPort = transportPort
        configuration.keyFile = keyFile
        configuration.controlPath = control.control
        configuration.isForeground = foreground
        configuration.settings.syncID = syncid
        configuration.settings.backupSyncID = backupSyncid
        configuration.settings.batchDelay = .milliseconds(batch)
        configuration.settings.resync = resync
        configuration.settings.services = only.flatMap { ServiceFilter($0) } ?? ServiceFilter()
        do {
            try RelayDaemon(configuration, version: syncRelayVersion).run()
        } catch {
            if error.operation == "lock", error.code == EWOULDBLOCK {
                complain("syncrelay: another relay runs already (\(error.subject) is locked)")
                throw ProgramExit.alreadyRunning
            }
            complain("syncrelay: \(error)")
            throw ProgramExit.failed
        }
    }
}
