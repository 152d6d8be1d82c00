// SPDX-License-Identifier: Apache-2.0
import LDirectorCore
import Testing

struct PrometheusTextTests {
    @Test func families() {
        var text = PrometheusText()
        text.begin("up", .gauge, "Whether it is up.")
        text.add(1, PrometheusText.Labels().with("real", "10.1.0.1:80"))
        text.add("0.25")
        text.begin("none", .counter, "Nothing.")
        #expect(
            text.take() == """
                # HELP up Whether it is up.
                # TYPE up gauge
                up{real="10.1.0.1:80"} 1
                up 0.25

                """
        )
    }

    @Test func familyInParts() {
        var text = PrometheusText()
        text.begin("up", .gauge, "Up.")
        #expect(text.take() == "")
        text.add(1)
        #expect(text.take() == "# HELP up Up.\n# TYPE up gauge\nup 1\n")
        text.add(2)
        #expect(text.take() == "up 2\n")
    }

    @Test func labelsAreEscaped() {
        var text = PrometheusText()
        text.begin("up", .gauge, "Up.")
        text.add(1, PrometheusText.Labels(["name": "a\\b\"c\nd", "x": "y"]))
        #expect(text.take().hasSuffix(#"up{name="a\\b\"c\nd",x="y"} 1"# + "\n"))
    }
}
