// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Testing

@Suite struct JSONTests {
    @Test(
        arguments: [
            #"{"a":1,"b":[true,false,null],"c":{"d":"e\n\"\\\u0001"}}"#, "[]", "{}", "-7", #""ü""#, "0.004217",
            "[1,2,3]",
        ]
    )
    func whatIsWrittenIsReadAgain(text: String) throws {
        #expect(try #require(JSONValue(parsing: text)).text == text)
    }

    @Test func blanksAndEscapesAreRead() throws {
        let value = try #require(JSONValue(parsing: " { \"a\" :\t[ 1 , \"\\u00fc\\ud83d\\ude00\\/\" ]\n} "))
        #expect(value["a"]?.elements.count == 2)
        #expect(value["a"]?.elements.last?.string == "ü😀/")
        #expect(value["b"] == nil && value.string == nil)
        #expect(JSONValue(parsing: "1.5")?.seconds == .milliseconds(1500))
        #expect(JSONValue(parsing: #""\ud800""#)?.string == "\u{fffd}")
    }

    @Test(
        arguments: [
            "", "{", "[1,]", "{\"a\"}", "{\"a\":}", "tru", "\"", "\"\\x\"", "1 2", "{'a':1}", "[1", "\u{1}", "-", "1.",
            "nul",
            "99999999999999999999", "\"a\nb\"", "{\"a\":1,}", "1e5",
        ]
    )
    func anythingElseIsRefused(text: String) { #expect(JSONValue(parsing: text) == nil) }

    @Test func deepAndSpoiltTextsDoNotTrap() {
        #expect(JSONValue(parsing: String(repeating: "[", count: 100_000)) == nil)
        var random = SystemRandomNumberGenerator()
        let good = Array(#"{"a":[1,2.5,{"b":"c\u0041\n"},null,true],"d":-3}"#.utf8)
        for _ in 0..<5000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...127, using: &random)
            }
            _ = JSONValue(parsing: String(decoding: bytes, as: UTF8.self))
        }
    }
}
