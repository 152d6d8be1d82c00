// SPDX-License-Identifier: Apache-2.0
import LDirectorConfig
import Testing

/// No bytes trap or hang the parser, and every finding is inside the file.
@Suite struct FuzzTests {
    /// Words that get far into the grammar.
    private static let pieces: [[UInt8]] =
        (DirectiveName.allCases.map(\.rawValue) + [
            "=", " = ", "\n", "\n\t", "\n    ", "\"", "#", " #", "[", "]", "->", ":", ",", " ", "\r", "yes", "gate",
            "masq",
            "10.1.0.1", "10.1.0.255", "[2001:db8::1]", ":80", "\"/a\", \"b\"", "l:1", "u:2", "5", "2.5",
            "99999999999999999999",
            "\0", "\u{fc}", "virtual=10.9.0.1:80\n\t", "virtual6=[::1]:80\n\t", "http", "(", "0.0.0.0->255.255.255.255",
        ]).map { Array($0.utf8) }

    private func check(_ bytes: [UInt8], _ comment: Comment) {
        let result = testParser.parse(bytes, file: "f")
        // The checks are plain conditions: an expectation for each finding would take longer than the parser.
        let ends = bytes.indices.filter { bytes[$0] == 10 } + [bytes.count]
        for diagnostic in result.diagnostics {
            let span = diagnostic.span
            let isInside =
                ends.indices.contains(span.line - 1) && span.column >= 1 && span.length >= 0
                && (span.line == 1 ? 0 : ends[span.line - 2] + 1) + span.column - 1 + span.length <= ends[span.line - 1]
            if !isInside {
                Issue.record("\(comment) \(diagnostic) \(bytes)")
            }
        }
        if (result.configuration == nil) == result.errors.isEmpty {
            Issue.record(comment)
        }
        _ = DiagnosticRenderer(source: bytes).render(result.diagnostics)
    }

    @Test(.timeLimit(.minutes(10)), arguments: 0..<4) func randomAndMutatedBytes(_ part: Int) {
        let seed = UInt64.random(in: 0..<1_000_000)
        print("FuzzTests, part \(part): seed \(seed)")
        var random = SeededGenerator(seed: seed)
        var generator = FileGenerator(random: SeededGenerator(seed: seed))
        for index in 0..<5000 {
            var bytes: [UInt8]
            switch index % 4 {
            case 0:
                bytes = (0..<Int.random(in: 0..<120, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
            case 1:
                bytes = (0..<Int.random(in: 0..<20, using: &random)).flatMap { _ in
                    Self.pieces.randomElement(using: &random) ?? []
                }
            default:
                bytes = Array(generator.file().utf8.prefix(200))
                for _ in 0..<Int.random(in: 1..<6, using: &random) where !bytes.isEmpty {
                    let place = Int.random(in: 0..<bytes.count, using: &random)
                    switch Int.random(in: 0..<3, using: &random) {
                    case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                    case 1: bytes.remove(at: place)
                    default: bytes.insert(contentsOf: Self.pieces.randomElement(using: &random) ?? [], at: place)
                    }
                }
            }
            check(bytes, "seed \(seed), input \(index)")
        }
    }

    @Test(.timeLimit(.minutes(10))) func hugeLinesTakeLinearTime() {
        for byte in ["\"", "#", " ", "a", "=", "\t", ",", "\" ", "\"\""] {
            for head in ["", "virtual=10.9.0.1:80\n\treal=10.1.0.1:80 gate 1 \"", "virtual=10.9.0.1:80\n\treceive=\""] {
                check(Array((head + String(repeating: byte, count: 20_000)).utf8), "\(head)\(byte)")
            }
        }
    }
}
