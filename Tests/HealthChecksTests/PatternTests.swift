// SPDX-License-Identifier: Apache-2.0
import HealthChecks
import Testing

struct PatternTests {
    @Test(arguments: [
        ("alive", "I am alive", true), ("^alive$", "alive\n", true), ("^alive$", "alive\n\n", false),
        ("a.b", "a\nb", false), ("(?s)a.b", "a\nb", true), ("(?i)ALIVE", "alive", true),
        ("^10\\.7\\.", "10.7.1.1", true),
        ("(?<=x)y", "xy", true), ("", "", true),
    ])
    func searchesAsPerlDoes(_ source: String, _ subject: String, _ found: Bool) throws {
        #expect(try Pattern(source).search(Array(subject.utf8)) == (found ? .found : .absent))
    }

    @Test func invalidUTF8IsJustBytes() throws {
        #expect(try Pattern("ok").search([0xff, 0xfe, 0x6f, 0x6b, 0xc3]) == .found)
    }

    @Test func Q14InvalidExpressionsAreRefused() {
        #expect(throws: Pattern.SyntaxError.self) { try Pattern("(") }
    }
}
