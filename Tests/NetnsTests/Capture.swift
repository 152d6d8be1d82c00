// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Testing

extension ChildProcess {
    /// Waits until the process has taken what the kernel holds for it: it sleeps then, however busy the machine is.
    func settle() {
        var sleeping = 0
        _ = Site.wait {
            let status = (try? TextFile.read("/proc/\(pid)/stat", limit: 512)) ?? ""
            sleeping = status.contains(") S ") ? sleeping + 1 : 0
            return sleeping == 4
        }
    }
}

/// A recording of ARP and neighbour advertisements on a device, decoded by tshark.
final class Capture {
    /// One decoded frame.
    struct Frame: Sendable, Equatable {
        let time: Double
        let destination: String
        /// ARP operation, or ICMPv6 type.
        let operation: String
        let senderHardware: String
        let sender: String
        let targetHardware: String
        let target: String
        let hopLimit: String
        let routerFlag: String
        let overrideFlag: String
        let advertised: String
    }

    private let process: ChildProcess
    private let file: String
    private var isRunning = true

    init(_ device: String, of host: NetworkNamespace, in site: Site, _ filter: String = "arp") throws {
        file = "\(site.directory)/\(device)-\(Int.random(in: 0...Int.max)).pcap"
        process = try ChildProcess.start(
            host.command(
                [
                    "/usr/bin/tcpdump", "-i", device, "-n", "-U", "-Z", "root", "--immediate-mode", "-s", "256", "-B",
                    "8192", "-w", file,
                ]
                    + filter.split(separator: " ").map(String.init)
            )
        )
        // The file's header is written once the socket listens.
        let listens = Site.wait { (try? TextFile.read(file, limit: 24))?.utf8.isEmpty == false }
        #expect(listens, "tcpdump did not start")
    }

    deinit {
        if isRunning {
            _ = try? process.end()
        }
    }

    /// The size of the recording so far; each frame adds its length and 16 bytes to the first 24.
    var size: Int {
        var status = stat()
        return stat(file, &status) == 0 ? Int(status.st_size) : 0
    }

    /// Ends the recording and decodes it.
    func frames() throws -> [Frame] {
        if isRunning {
            process.settle()
            _ = try process.end()
            isRunning = false
        }
        let fields = [
            "frame.time_epoch", "eth.dst", "arp.opcode", "arp.src.hw_mac", "arp.src.proto_ipv4", "arp.dst.hw_mac",
            "arp.dst.proto_ipv4", "icmpv6.type", "ipv6.hlim", "icmpv6.nd.na.flag.r", "icmpv6.nd.na.flag.o",
            "icmpv6.nd.na.target_address", "icmpv6.opt.linkaddr", "ipv6.dst",
        ]
        let outcome = try ChildProcess.run(
            ["/usr/bin/tshark", "-r", file, "-T", "fields", "-E", "separator=;"] + fields.flatMap { ["-e", $0] },
            timeout: .seconds(120),
            limit: 4 << 20
        )
        return outcome.outputText.split(separator: "\n").compactMap { line in
            let words = line.split(separator: ";", omittingEmptySubsequences: false).map(String.init)
            guard words.count == fields.count else {
                return nil
            }
            let isARP = !words[2].isEmpty
            return Frame(
                time: Double(words[0]) ?? 0,
                destination: isARP ? words[1] : words[13],
                operation: isARP ? words[2] : words[7],
                senderHardware: isARP ? words[3] : words[12],
                sender: words[4],
                targetHardware: words[5],
                target: words[6],
                hopLimit: words[8],
                routerFlag: words[9],
                overrideFlag: words[10],
                advertised: words[11]
            )
        }
    }
}
