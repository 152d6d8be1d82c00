// SPDX-License-Identifier: Apache-2.0
import LDirectorConfig
import Testing

/// The effective configuration reads back equal.
@Suite struct RoundTripTests {
    private func expectRoundTrip(_ configuration: Configuration, _ comment: Comment) {
        let text = ConfigurationRenderer().render(configuration)
        let again = parse(text)
        #expect(again.configuration == configuration, "\(comment)\n\(text)\n\(report(text))")
    }

    @Test func canonicalText() throws {
        let text = """
            checktimeout=2.5
            emailalert=a@x.test
            virtual=10.9.0.1:http
            \treal=10.1.0.1->10.1.0.2:8080 masq 7 "r", "x" u:9
            \tfallback=127.0.0.1
            \tpersistent=600
            \tnetmask=255.255.255.0
            \tlogin="me"
            \tpasswd="hidden"
            """
        let expected = """
            logfile="/var/log/ldirectord.log"
            autoreload=no
            supervised=no
            fork=no
            emailalert="a@x.test"

            virtual=10.9.0.1:80
                protocol=tcp
                scheduler=wrr
                persistent=600
                netmask=255.255.255.0
                checktype=negotiate
                service=http
                login="me"
                passwd="***"
                checktimeout=2.5
                negotiatetimeout=2.5
                checkinterval=10
                failurecount=1
                quiescent=no
                cleanstop=yes
                fallback=127.0.0.1:80 gate
                real=10.1.0.1:8080 masq 7 "/r", "x" u:9
                real=10.1.0.2:8080 masq 7 "/r", "x" u:9

            """
        let all = try configuration(text)
        #expect(ConfigurationRenderer(hidesSecrets: true).render(all) == expected)
        expectRoundTrip(all, "canonical")
    }

    @Test func randomFiles() {
        let seed = UInt64.random(in: 0..<1_000_000)
        var generator = FileGenerator(random: SeededGenerator(seed: seed))
        var usable = 0
        for index in 0..<1500 {
            let text = generator.file()
            if let configuration = parse(text).configuration {
                usable += 1
                expectRoundTrip(configuration, "seed \(seed), file \(index):\n\(text)")
            }
        }
        #expect(usable > 300, "seed \(seed): only \(usable) of the files were usable")
    }
}
