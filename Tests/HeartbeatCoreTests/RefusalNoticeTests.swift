// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import HeartbeatCore

@Suite struct RefusalNoticeTests {
    @Test func oneLineInTenSeconds() {
        var notice = RefusalNotice()
        let start = MonotonicTime(nanoseconds: 0)
        #expect(notice.line(0, at: start) == nil)
        #expect(notice.line(2, at: start)?.contains("2 calls") == true)
        #expect(notice.line(7, at: start + .milliseconds(9999)) == nil)
        #expect(notice.line(7, at: start + .seconds(10))?.contains("5 calls") == true)
        #expect(notice.line(7, at: start + .seconds(60)) == nil)
    }
}
