// SPDX-License-Identifier: Apache-2.0
import HealthChecks
import LDirectorConfig
import LinuxKit

extension Command {
    /// Checks every real server of the configuration once and prints what was found; the kernel's table is not touched.
    ///
    /// Works beside a running daemon, and on machines without IPVS.
    func checkServers() -> Exit {
        guard let (_, reading, exit) = readConfiguration() else {
            return .failure
        }
        guard let configuration = reading.configuration else {
            return exit
        }
        do {
            var trial = try CheckTrial(configuration)
            try trial.run()
            Self.say(trial.report)
            return trial.isEverythingUp ? .success : .failure
        } catch {
            complain("\(error)")
            return .failure
        }
    }
}

/// One check of every real server.
private struct CheckTrial {
    private struct Row {
        let virtual: VirtualServer
        let real: RealServer
        let probe: Probe?
        let remark: String
    }

    private var rows: [Row] = []
    private var results: [Probe: CheckResult] = [:]

    init(_ configuration: Configuration) throws(CheckPlanner.Unsupported) {
        for virtual in configuration.virtualServers {
            for real in virtual.realServers {
                let row: Row
                switch try CheckPlanner.policy(of: real, in: virtual) {
                case .checked(let plan): row = Row(virtual: virtual, real: real, probe: plan.first, remark: "")
                case .alwaysUp: row = Row(virtual: virtual, real: real, probe: nil, remark: "not checked, always up")
                case .untouched: row = Row(virtual: virtual, real: real, probe: nil, remark: "not checked")
                }
                rows.append(row)
            }
        }
    }

    var isEverythingUp: Bool { rows.allSatisfy { $0.probe.map { results[$0]?.outcome == .up } ?? true } }

    /// All checks at a time; each has its own deadline.
    mutating func run() throws {
        let loop = try EventLoop()
        let prober = Prober(on: loop)
        let probes = Set(rows.compactMap(\.probe))
        guard !probes.isEmpty else {
            return
        }
        var found: [Probe: CheckResult] = [:]
        for probe in probes {
            prober.start(probe) { result in
                found[probe] = result
                if found.count == probes.count {
                    loop.stop()
                }
            }
        }
        try loop.run()
        results = found
    }

    /// A line for each virtual service, and one for each of its servers.
    var report: String {
        var lines: [String] = []
        var last: ServiceIdentity?
        for row in rows {
            if row.virtual.identity != last {
                lines.append(row.virtual.identity.description)
                last = row.virtual.identity
            }
            lines.append("  \(row.real.name) \(verdict(row))")
        }
        return lines.map { $0 + "\n" }.joined()
    }

    private func verdict(_ row: Row) -> String {
        guard let probe = row.probe, let result = results[probe] else {
            return row.remark
        }
        let time = "\(result.duration / .milliseconds(1))".prefix(6)
        switch result.outcome {
        case .up: return "up (\(time) ms)"
        case .down(let reason): return "DOWN: \(reason) (\(time) ms)"
        }
    }
}
