// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import HeartbeatCore

@Suite struct OperatorOrderTests {
    @Test func reads() {
        #expect(OperatorOrder("force fault 60") == .force(isHealthy: false, .seconds(60)))
        #expect(OperatorOrder("force healthy 3600") == .force(isHealthy: true, .seconds(3600)))
        #expect(OperatorOrder("force off") == .forceOff)
        #expect(OperatorOrder("maintenance on") == .maintenance(nil, ofCluster: false))
        #expect(OperatorOrder("maintenance on 600 cluster") == .maintenance(.seconds(600), ofCluster: true))
        #expect(OperatorOrder("maintenance off cluster") == .maintenanceOff(ofCluster: true))
    }

    @Test(arguments: [
        "", "force", "force fault", "force fault 0", "force fault -1", "force fault 3601", "force fault x",
        "force on 5",
        "maintenance", "maintenance cluster", "maintenance on 0", "maintenance on 5 6", "force fault 60 cluster",
        "status",
    ])
    func refuses(_ text: String) {
        #expect(OperatorOrder(text) == nil)
    }

    @Test(arguments: ["force fault 60", "force off", "maintenance on", "maintenance on 600", "maintenance off"])
    func writesWhatItReads(_ text: String) {
        #expect(OperatorOrder(text)?.textForOneNode == text)
    }
}

@Suite struct TransitionHistoryTests {
    @Test func keepsTheNewest() {
        var history = TransitionHistory()
        let time = TestTime()
        for number in 0..<1000 {
            history.append(String(number), at: time.now)
        }
        #expect(history.entries.count <= 256 && history.entries.count >= 200)
        #expect(history.entries.last?.text == "999")
    }
}
