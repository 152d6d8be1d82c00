// SPDX-License-Identifier: Apache-2.0
import LDirectorConfig
import LinuxKit
import Testing

struct MetricsTests {
    @Test(arguments: ["127.0.0.1:9105", "[::1]:9105", "/run/vervet/metrics.sock", "0.0.0.0:1"])
    func places(_ text: String) throws {
        #expect(try configuration("metrics=\(text)\n").daemon.metrics?.description == text)
        #expect(try configuration("metrics=\"\(text)\"\n").daemon.metrics?.description == text)
    }

    @Test(arguments: [
        "9105", "localhost:9105", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000", "::1:9105", "/", "x/y", "/x/",
    ])
    func noPlaces(_ text: String) { #expect(errorLines("metrics=\(text)\n") == [1]) }

    @Test func notInAFileForThePerlProgram() { #expect(errorLines("compat=legacy\nmetrics=/x\n") == [2]) }

    @Test func documentHidesSecrets() throws {
        let text = """
            smtp=mail.test
            virtual=10.9.0.1:143
            \treal=10.1.0.1:143 masq 3
            \tlogin="me"
            \tpasswd="hush \\"
            \tchecktimeout=2.5
            """
        let json = ConfigurationDocument(try configuration(text)).value.text
        #expect(!json.contains("hush"))
        #expect(json.contains(#""has_passwd":true"#))
        #expect(json.contains(#""checktimeout":2.5"#))
        #expect(json.contains(#""smtp":"mail.test""#))
        #expect(json.contains(#""service":"tcp 10.9.0.1:143""#))
    }
}
