// SPDX-License-Identifier: Apache-2.0
import Glibc
import IPVS
import LDirectorConfig
import LinuxKit
import Testing

@testable import LDirectorCore

/// The files that are compared with the Perl program in the lab, mutated and reloaded one after the other.
@Suite struct ReloadFuzzTests {
    private static let folder = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

    /// The corpus, each file as bytes.
    private static func corpus() throws -> [[UInt8]] {
        let path = "/\(folder)/lab/differential/cases"
        let directory = try #require(opendir(path), "no folder \(path)")
        defer { closedir(directory) }
        var files: [[UInt8]] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".cf") {
                files.append(Array(try TextFile.read("\(path)/\(name)", limit: 100_000).utf8))
            }
        }
        return files
    }

    @Test func theCorpusIsThere() throws {
        #expect(try Self.corpus().count >= 100)
    }

    @Test(.timeLimit(.minutes(10)), arguments: 0..<4) func mutatedFilesReloadOneAfterTheOther(_ part: Int) throws {
        let seed = UInt64.random(in: 0..<1_000_000)
        print("ReloadFuzzTests, part \(part): seed \(seed)")
        var random = SplitMix(state: seed)
        let files = try Self.corpus()
        var bench = Bench()
        var taken = 0
        for round in 0..<600 {
            let bytes = Self.mutated(files, &random)
            let environment = ConfigurationEnvironment(resolver: NoNames(), directorName: "director") { _ in nil }
            let result = ConfigurationParser(environment: environment).parse(bytes, file: "test.cf")
            guard let configuration = result.configuration, !configuration.virtualServers.isEmpty else {
                continue
            }
            // A check that does not exist yet is refused before anything changes.
            guard (try? bench.install(configuration)) != nil else {
                continue
            }
            taken += 1
            let intended = Dictionary(bench.director.desiredTable.map { ($0.service.key, $0) }) { first, _ in first }
            for entry in bench.table {
                let want = try #require(intended[entry.service.key], "seed \(seed), round \(round): left over")
                #expect(want.service == entry.service, "seed \(seed), round \(round)")
                #expect(Set(want.destinations) == Set(entry.destinations), "seed \(seed), round \(round)")
            }
            #expect(bench.table.count == intended.count, "seed \(seed), round \(round)")
            // The same again changes nothing.
            _ = bench.takeChanges()
            try bench.install(configuration)
            #expect(bench.takeChanges() == [], "seed \(seed), round \(round)")
            for real in configuration.virtualServers.flatMap(\.realServers).prefix(4) {
                Bool.random(using: &random) ? bench.up("\(real.address)") : bench.fail("\(real.address)")
            }
            _ = bench.takeChanges()
        }
        #expect(taken > 60, "seed \(seed): nearly no file was taken")
    }

    /// One file, or lines of two, with a few bytes changed.
    private static func mutated(_ files: [[UInt8]], _ random: inout SplitMix) -> [UInt8] {
        var bytes = files.randomElement(using: &random) ?? []
        if Int.random(in: 0..<3, using: &random) == 0 {
            bytes += [10] + (files.randomElement(using: &random) ?? [])
        }
        for _ in 0..<Int.random(in: 0..<4, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: place)
            case 2: bytes[place] = UInt8.random(in: 48...57, using: &random)
            case 3: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1..<30, using: &random)))
            default:
                let end = min(bytes.count, place + Int.random(in: 1..<60, using: &random))
                bytes.insert(contentsOf: Array(bytes[place..<end]), at: place)
            }
        }
        return bytes
    }
}

/// A small generator of random numbers with a printable seed (SplitMix64).
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
