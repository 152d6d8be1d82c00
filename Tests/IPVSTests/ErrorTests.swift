// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Netlink
import Testing

@testable import IPVS

@Suite struct ErrorTests {
    @Test(arguments: [
        (EPERM, IPVSError.Target.service, IPVSError.Code.notPermitted),
        (EEXIST, .service, .alreadyExists),
        (EEXIST, .daemon, .alreadyExists),
        (ESRCH, .destination, .noSuchService),
        (ESRCH, .daemon, .daemonNotRunning),
        (ENOENT, .service, .unknownScheduler),
        (ENOENT, .destination, .noSuchDestination),
        (ERANGE, .destination, .invalid),
        (EINVAL, .service, .invalid),
        (EINVAL, .daemon, .invalid),
        (EAFNOSUPPORT, .service, .familyUnavailable),
        (ENODEV, .daemon, .noSuchInterface),
        (ENETUNREACH, .daemon, .interfaceDown),
        (EADDRINUSE, .daemon, .addressUnavailable),
        (ENOPROTOOPT, .service, .unavailable),
        (ENOMEM, .service, .resourcesExhausted),
        (EMSGSIZE, .service, .other),
    ])
    func errnosHaveMeanings(_ errno: CInt, _ target: IPVSError.Target, _ code: IPVSError.Code) {
        let error = IPVSError(NetlinkError(kind: .refused, operation: "try", subject: "it", code: errno), target)
        #expect(error.code == code)
        #expect(error.underlying == errno)
        #expect(error.description.hasPrefix("try it: "))
        #expect(!error.explanation.isEmpty)
    }

    @Test func noAnswerAndNoFamily() {
        let silence = NetlinkError(kind: .noAnswer, operation: "stop", code: ETIMEDOUT)
        #expect(IPVSError(silence, .daemon).code == .noAnswer)
        let missing = NetlinkError(kind: .refused, operation: "find", subject: "IPVS", code: ENOENT)
        #expect(
            "\(IPVSError.unavailable(missing))" == "open IPVS: ip_vs is not available: load it with modprobe ip_vs"
        )
    }

    @Test func nonsenseIsRefusedBeforeTheKernelIsAsked() throws {
        let key = try tcp("10.0.0.1")
        let bad: [TableChange] = [
            .addService(VirtualService(.firewallMark(0, .ipv4))),
            .removeService(.firewallMark(0, .ipv6)),
            .addService(VirtualService(key, scheduler: "")),
            .addService(VirtualService(key, scheduler: "a-name-of-sixteen")),
            .addService(VirtualService(key, persistence: .init(timeoutSeconds: 1, prefixLength: 33))),
            .addDestination(try server("10.1.0.1", weight: -1), to: key),
            .editDestination(try server("10.1.0.1", weight: 1 << 31), of: key),
        ]
        for change in bad {
            #expect(change.problem?.code == .invalid, "\(change)")
        }
        #expect(TableChange.addService(VirtualService(key)).problem == nil)
        #expect(SyncDaemon(.master, interface: "", syncID: 1).problem != nil)
        #expect(SyncDaemon(.master, interface: "sixteen-letters-", syncID: 1).problem != nil)
        #expect(SyncDaemon(.master, interface: "lo", syncID: 256).problem != nil)
        #expect(SyncDaemon(.master, interface: "lo", syncID: 1, group: try address("10.0.0.1")).problem != nil)
        #expect(SyncDaemon(.master, interface: "lo", syncID: 255).problem == nil)
    }

    @Test func tunnelsThatTheKernelTakesForIPIPAreNoticed() throws {
        let key = try tcp("10.0.0.1")
        var wanted = try server("10.1.0.1")
        wanted.forwarding = .tunnel
        var found = wanted
        for encapsulation in [Destination.Encapsulation.gue(port: 6080, flags: 1), .gre(flags: 0)] {
            wanted.encapsulation = encapsulation
            for change in [TableChange.addDestination(wanted, to: key), .editDestination(wanted, of: key)] {
                #expect(change.needsTunnelTypes)
                #expect(change.isMisread(in: [found]))
                #expect(!change.isMisread(in: [wanted]))
                #expect(!change.isMisread(in: []))
                #expect(
                    change.tunnelError.description.hasSuffix(
                        "real server 10.1.0.1:80 weight 1 of TCP 10.0.0.1:80: this kernel's IPVS has no gue and gre tunnels "
                            + "and would use ipip: write ipip, or run Linux 5.3 or later"
                    )
                )
            }
        }
        // What an old kernel says of a server on the director itself means nothing.
        found.forwarding = .local
        #expect(!TableChange.addDestination(wanted, to: key).isMisread(in: [found]))
        wanted.encapsulation = .ipip
        #expect(!TableChange.addDestination(wanted, to: key).needsTunnelTypes)
        #expect(!TableChange.removeDestination(wanted.key, from: key).needsTunnelTypes)
    }

    @Test func refusalsAreFolded() throws {
        let service = VirtualService(try tcp("10.0.0.1"))
        let destination = try server("10.1.0.1")
        func resolution(_ change: TableChange, _ code: IPVSError.Code) -> IPVSClient.Failure.Resolution {
            IPVSClient.Failure(change: change, error: IPVSError(code, operation: "", explanation: "")).resolution
        }
        #expect(resolution(.addService(service), .alreadyExists) == .instead(.editService(service)))
        #expect(resolution(.editService(service), .noSuchService) == .instead(.addService(service)))
        #expect(resolution(.removeService(service.key), .noSuchService) == .done)
        #expect(
            resolution(.addDestination(destination, to: service.key), .alreadyExists)
                == .instead(.editDestination(destination, of: service.key))
        )
        #expect(
            resolution(.editDestination(destination, of: service.key), .noSuchDestination)
                == .instead(.addDestination(destination, to: service.key))
        )
        #expect(resolution(.removeDestination(destination.key, from: service.key), .noSuchDestination) == .done)
        #expect(resolution(.removeDestination(destination.key, from: service.key), .noSuchService) == .done)
        #expect(resolution(.addService(service), .unknownScheduler) == .failed)
        #expect(resolution(.addDestination(destination, to: service.key), .noSuchService) == .failed)
    }

    @Test func daemonsDifferOnlyInWhatWasAskedFor() throws {
        let wanted = SyncDaemon(.backup, interface: "eth1", syncID: 7)
        let running = SyncDaemon(
            .backup,
            interface: "eth1",
            syncID: 7,
            maximumLength: 8972,
            group: SyncDaemon.defaultGroup,
            port: 8848,
            timeToLive: 1
        )
        #expect(wanted.differences(from: running).isEmpty)
        var other = running
        other.port = 9000
        other.syncID = 8
        #expect(wanted.differences(from: other) == ["syncid 8 instead of 7", "port 9000 instead of 8848"])
        var small = wanted
        small.maximumLength = 100
        other = running
        other.maximumLength = 1024
        #expect(small.differences(from: other).isEmpty)
    }
}
