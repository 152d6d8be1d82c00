// SPDX-License-Identifier: Apache-2.0

/// One virtual service with its real servers, after inheritance.
public struct VirtualServer: Sendable, Hashable {
    /// Address and port or firewall mark.
    public var identity: ServiceIdentity

    /// Name of the kernel's scheduler (`scheduler`); the kernel decides whether it knows it.
    public var scheduler = "wrr"

    /// Scheduler flags as written (`schedflags`): sh-port, sh-fallback, mh-port, mh-fallback, flag-1, flag-2, flag-3.
    public var schedulerFlags: [String] = []

    /// Persistence; nil when clients are free to move.
    public var persistence: Persistence?

    /// One-packet scheduling (`ops`); only ever true for udp.
    public var schedulesEveryPacket = false

    /// How the real servers are checked.
    public var check = CheckSettings()

    /// What every real server must pass besides (`check`).
    public var furtherChecks: [FurtherCheck] = []

    /// The real servers in file order; their addresses and kernel ports are unique.
    public var realServers: [RealServer] = []

    /// The server of last resort, block over global.
    public var fallback: Fallback?

    /// Command told about the last server going and the first one coming (`fallbackcommand`).
    public var fallbackCommand: String?

    /// A failed server keeps its entry with weight 0 (`quiescent`).
    public var isQuiescent = false

    /// A down server whose entry is missing gets one with weight 0 (`readdquiescent`).
    public var readdsQuiescent = false

    /// The service is removed when the daemon stops (`cleanstop`).
    public var cleansOnStop = true

    /// How servers come, go and are kept.
    public var lifeCycle = LifeCycleSettings()

    /// Who is told about transitions.
    public var mail = MailSettings()

    /// Log of the checks of this virtual server (`monitorfile`).
    public var monitorFile: String?

    /// Name of the service in mails (`servicename`).
    public var serviceName: String?

    /// Free text in mails (`comment`).
    public var comment: String?

    /// A virtual server with the defaults of a block that says nothing.
    public init(identity: ServiceIdentity) {
        self.identity = identity
    }

    /// What a negotiate check of `real` asks for and expects: its own pair or that of the virtual server.
    public func content(for real: RealServer) -> CheckContent {
        real.content ?? check.content
    }
}
