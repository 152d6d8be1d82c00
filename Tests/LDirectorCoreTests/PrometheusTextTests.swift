// SPDX-License-Identifier: Apache-2.0
import LDirectorCore
import Testing

struct PrometheusTextTests {
    @Test func families() {
        var text = PrometheusText()
        text.add(
            "up",
            .gauge,
            "Whether it is up.",
            [
                (PrometheusText.Labels().with("real", "10.1.0.1:80"), "1"), (PrometheusText.Labels(), "0.25"),
            ]
        )
        text.add("none", .counter, "Nothing.", [])
        #expect(
            text.text == """
                # HELP up Whether it is up.
                # TYPE up gauge
                up{real="10.1.0.1:80"} 1
                up 0.25

                """
        )
    }

    @Test func labelsAreEscaped() {
        var text = PrometheusText()
        text.add("up", .gauge, "Up.", [(PrometheusText.Labels(["name": "a\\b\"c\nd", "x": "y"]), "1")])
        #expect(text.text.hasSuffix(#"up{name="a\\b\"c\nd",x="y"} 1"# + "\n"))
    }
}
