// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import HealthChecks

@Suite struct CommandWordsTests {
    @Test(arguments: [
        ("/bin/check", ["/bin/check"]), ("check -v  1", ["check", "-v", "1"]),
        ("a 'b c' \"d \\\" e\"", ["a", "b c", "d \" e"]),
        ("a\\ b c", ["a b", "c"]), ("a ''", ["a", ""]), (" ", []), ("'open end", ["open end"]),
        ("x\ty$HOME", ["x", "y$HOME"]),
    ])
    func q25_splitsAsAShellWould(_ line: String, _ words: [String]) {
        #expect(CommandWords.split(line) == words)
    }

    @Test func q25_anExecutableFileIsTakenWhole() {
        #expect(CommandWords.words(of: "/bin/sh") == ["/bin/sh"])
        #expect(CommandWords.words(of: "/bin/sh -c x") == ["/bin/sh", "-c", "x"])
        #expect(CommandWords.words(of: " ") == [" "])
    }
}
