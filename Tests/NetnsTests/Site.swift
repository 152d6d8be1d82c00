// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Testing

/// Two hosts A and B with two cables between them, va0-vb0 and va1-vb1.
///
/// A has 198.51.100.1/24 on va0.
final class Site: Sendable {
    let a: NetworkNamespace
    let b: NetworkNamespace
    /// A scratch directory: pid files, captures, the agent under its own name.
    let directory: String

    init(base: Bool = true) throws {
        a = try NetworkNamespace()
        b = try NetworkNamespace()
        var template = Array("/tmp/vervet-netns-XXXXXX".utf8CString)
        guard let path = mkdtemp(&template) else {
            throw SystemError.last("mkdtemp")
        }
        directory = String(cString: path)
        // ocf-tester runs the agent as nobody.
        try systemCall("chmod") { chmod(path, 0o755) }
        for number in 0...1 {
            try a.run("ip link add va\(number) type veth peer name vb\(number) netns \(b.path)")
            try a.run("ip link set va\(number) up")
            try b.run("ip link set vb\(number) up")
        }
        if base {
            try a.run("ip address add 198.51.100.1/24 brd 198.51.100.255 dev va0")
        }
        try systemCall("symlink") { symlink(Self.program("vervet-ocf"), "\(directory)/IPaddr2") }
        try systemCall("symlink") { symlink(Self.program("send_arp"), "\(directory)/send_ua") }
    }

    deinit {
        // A directory of ours under a fresh name; what cannot be removed is only litter in /tmp.
        _ = try? ChildProcess.run(["/bin/rm", "-rf", directory], timeout: .seconds(5))
    }

    /// The path of a built program, which stands beside the test runner.
    static func program(_ name: String) -> String {
        let runner = CommandLine.arguments[0]
        let here = runner.lastIndex(of: "/").map { String(runner[..<$0]) } ?? "."
        return "\(here)/\(name)"
    }

    /// The IPv4 lines of a device of A: what the kernel does not change by itself, as it does with its link-local address.
    func ipv4Addresses(_ device: String = "va0") throws -> [String] {
        try addresses(device).filter { $0.hasPrefix("inet ") }
    }

    /// The addresses of a device of A, as `ip -o` prints them.
    func addresses(_ device: String = "va0", of host: NetworkNamespace? = nil) throws -> [String] {
        try (host ?? a).run("ip -o address show dev \(device)").split(separator: "\n").map { line in
            line.split(whereSeparator: \.isWhitespace).dropFirst(2).joined(separator: " ")
        }
    }

    /// Whether a device of A has an address with its prefix length.
    func has(_ address: String, on device: String = "va0", of host: NetworkNamespace? = nil) throws -> Bool {
        try addresses(device, of: host).contains { $0.contains(" \(address) ") }
    }

    /// Takes the far end of va0 down and waits until A has noticed, which the kernel may delay by a second.
    func cutCable() throws {
        try b.run("ip link set vb0 down")
        #expect(try Self.wait { try a.run("ip -o link show va0").contains("NO-CARRIER") })
    }

    /// Waits until `condition` holds, at most for `time`.
    static func wait(_ time: Duration = .seconds(60), for condition: () throws -> Bool) rethrows -> Bool {
        let deadline = Deadline(after: time)
        while !deadline.hasPassed {
            if try condition() {
                return true
            }
            usleep(20_000)
        }
        return try condition()
    }
}

/// The agent as a cluster manager calls it: by its name, with parameters in the environment.
struct Agent: Sendable {
    /// What a call left.
    struct Answer: Sendable {
        let code: CInt
        let output: String
        let errors: String
        let seconds: Double
    }

    let site: Site
    var parameters: [String: String] = ["ip": "198.51.100.50"]
    var variables: [String: String] = [:]
    var isRoot = true
    /// Where the agent runs; nil is host A.
    var host: NetworkNamespace?
    /// The directory for the agent's own files; nil is that of the site.
    var runtime: String?
    /// A program that runs the agent, such as strace with its options.
    var wrapper: [String] = []

    init(_ site: Site, _ parameters: [String: String] = [:], variables: [String: String] = [:], isRoot: Bool = true) {
        self.site = site
        self.parameters.merge(parameters) { $1 }
        self.variables = variables
        self.isRoot = isRoot
    }

    /// Runs an action; a `probe` is a monitor with interval 0.
    func call(_ action: String) throws -> Answer {
        var environment = [
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "OCF_ROOT=/usr/lib/ocf", "OCF_RA_VERSION_MAJOR=1",
            "OCF_RA_VERSION_MINOR=1", "OCF_RESOURCE_INSTANCE=vip", "OCF_RESOURCE_TYPE=IPaddr2",
            "OCF_RESKEY_CRM_meta_timeout=20000", "OCF_RESKEY_CRM_meta_interval=\(action == "probe" ? 0 : 10_000)",
            "HA_RSCTMP=\(runtime ?? site.directory)", "HA_LOGFILE=\(site.directory)/log",
        ]
        environment += parameters.map { "OCF_RESKEY_\($0.key)=\($0.value)" }
        environment += variables.map { "\($0.key)=\($0.value)" }
        let drop = isRoot ? [] : ["/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        let start = ContinuousClock.now
        let outcome = try (host ?? site.a).outcome(
            drop + wrapper + ["\(site.directory)/IPaddr2", action == "probe" ? "monitor" : action],
            environment: environment
        )
        let time = (ContinuousClock.now - start).components
        guard case .exited(let code) = outcome.status else {
            throw SystemError(operation: "agent \(action) ended by a signal", code: EINTR)
        }
        return Answer(
            code: code,
            output: outcome.outputText,
            errors: outcome.errorText,
            seconds: Double(time.seconds) + Double(time.attoseconds) / 1e18
        )
    }

    /// Runs actions one after another and answers their exit codes.
    func codes(_ actions: String...) throws -> [CInt] { try actions.map { try call($0).code } }

    /// The agent's log.
    var log: String { (try? TextFile.read("\(site.directory)/log", limit: 65536)) ?? "" }
}
