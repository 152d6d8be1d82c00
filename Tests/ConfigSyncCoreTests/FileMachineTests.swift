// SPDX-License-Identifier: Apache-2.0
import ConfigSyncCore
import Testing

/// The cases that operators know by name, each on directors that hear everything in one order.
@Suite struct FileMachineTests {
    private func started(_ count: Int = 2, _ text: String = "one") -> Site {
        var site = Site(count)
        site.edit(1, text)
        site.settle()
        return site
    }

    @Test func anEditArrivesEverywhere() {
        var site = started(3)
        #expect(site.isEqual && site.text(3) == "one")
        let token = site.edit(2, "two")
        site.settle()
        #expect(site.isEqual && site.text(1) == "two")
        #expect(site.answers[token]?.outcome == .everywhere)
        #expect(site[3].machine.holding.head?.version.number == 2)
    }

    @Test func whatWasReceivedIsNotSentAgain() {
        var site = started()
        let sent = site.sent
        // ldirectord of the receiver calls its callback for what it was sent.
        let token = site.publish(2)
        site.settle()
        #expect(site.answers[token]?.outcome == .everywhere)
        #expect(site.sent == sent)
        #expect(site[2].machine.holding.head?.version.number == 1)
    }

    @Test func aBrokenFileIsNotSent() {
        var site = started()
        let token = site.edit(1, "bad")
        site.settle()
        #expect(site.answers[token]?.outcome == .invalid)
        #expect(site.text(2) == "one")
        #expect(site[2].machine.conflicts.isEmpty)
        let again = site.edit(1, "good again")
        site.settle()
        #expect(site.answers[again]?.outcome == .everywhere && site.isEqual)
    }

    @Test func twoEditsAtOnceAreAConflictOnBoth() {
        var site = started(3)
        let first = site.edit(1, "mine")
        let second = site.edit(2, "yours")
        site.settle()
        #expect(site.answers[first]?.outcome == .conflict)
        #expect(site.answers[second]?.outcome == .conflict)
        #expect(site.text(1) == "mine" && site.text(2) == "yours")
        #expect(site.directors.values.allSatisfy { !$0.machine.conflicts.isEmpty })
        let token = site.decide(on: 3, for: 2)
        site.settle()
        #expect(site.isEqual && site.text(1) == "yours")
        #expect(site.answers[token]?.outcome == .everywhere)
        #expect(site.directors.values.allSatisfy { $0.machine.conflicts.isEmpty })
    }

    @Test func twoEditsInQuickSuccession() {
        var site = started()
        site.edit(1, "two")
        for _ in 0..<3 {
            _ = site.work(1)
            _ = site.deliver()
        }
        let token = site.edit(1, "three")
        site.settle()
        #expect(site.isEqual && site.text(2) == "three")
        #expect(site.answers[token]?.outcome == .everywhere)
    }

    @Test func whoWasDownCatchesUp() {
        var site = started()
        site.stop(2)
        for number in 2...20 {
            site.edit(1, "edit \(number)")
            site.settle(3)
        }
        site.start(2)
        site.settle()
        #expect(site.isEqual && site.text(2) == "edit 20")
    }

    @Test func whoWasDownAndHasItsOwnEditDoesNot() {
        var site = started()
        site.stop(2)
        site.edit(1, "theirs")
        site.settle(3)
        site.edit(2, "its own", asks: false)
        site.start(2)
        site.settle()
        #expect(site.text(2) == "its own" && site.text(1) == "theirs")
        #expect(!site[1].machine.conflicts.isEmpty && !site[2].machine.conflicts.isEmpty)
    }

    @Test func anEditThatNobodyAnnouncedIsNotOverwritten() {
        var site = started()
        site.edit(2, "unannounced", asks: false)
        site.edit(1, "announced")
        site.settle()
        #expect(site.text(2) == "unannounced")
        #expect(!site[1].machine.conflicts.isEmpty)
    }

    @Test func theSameEditOnBothIsNone() {
        var site = started()
        site.edit(1, "same")
        site.edit(2, "same")
        site.settle()
        #expect(site.isEqual && site.directors.values.allSatisfy { $0.machine.conflicts.isEmpty })
    }

    @Test func twoDirectorsThatMeetWithDifferentFiles() {
        var site = Site(2)
        site[2].isCutOff = true
        site.regroup()
        site.edit(1, "site")
        site.edit(2, "package's example")
        site.settle()
        site[2].isCutOff = false
        site.regroup()
        site.settle()
        #expect(site.text(1) == "site" && site.text(2) == "package's example")
        #expect(!site[1].machine.conflicts.isEmpty)
    }

    @Test func theSenderDiesInTheMiddle() {
        var site = Site(3)
        site.edit(1, String(repeating: "x", count: 200_000))
        site.settle()
        site.edit(1, String(repeating: "y", count: 3_000_000))
        // Until parts are under way.
        while !site.wire.contains(where: { $0.bytes[6] == 4 }) {
            _ = site.work(1)
            _ = site.deliver()
        }
        site.stop(1)
        site.settle()
        #expect(site.text(2)?.first == "x" && site.text(3)?.first == "x")
        site.start(1)
        site.settle()
        #expect(site.isEqual && site.text(2)?.first == "y")
    }

    @Test func aFileOfFourMebibytesTravels() {
        var site = started()
        let token = site.edit(1, String(repeating: "z", count: Message.fileLimit))
        site.settle()
        #expect(site.isEqual && site.answers[token]?.outcome == .everywhere)
    }

    @Test func aDiskThatRefusesIsToldToTheSender() {
        var site = started()
        site[2].isReadOnly = true
        let token = site.edit(1, "two")
        site.settle(2)
        #expect(site.answers[token]?.outcome == .incomplete)
        #expect(site.answers[token]?.text.contains("read-only") == true)
        #expect(site[1].machine.peers[2]?.announcement.refusal == "read-only")
        site[2].isReadOnly = false
        site.settle()
        #expect(site.isEqual && site[2].machine.refusal == nil)
    }

    @Test func aReloadThatIsRefusedIsToldToTheSender() {
        var site = started()
        site[2].refusesReload = true
        let token = site.edit(1, "two")
        site.settle(2)
        #expect(site.answers[token]?.outcome == .incomplete && site.text(2) == "two")
        site[2].refusesReload = false
        site.settle()
        #expect(site[1].machine.peers[2]?.announcement.reload == "")
    }

    @Test func aCrashBetweenFileAndMemoryIsNoEdit() {
        var site = started()
        site.edit(1, "two")
        while site[2].job.map({ if case .apply = $0 { false } else { true } }) ?? true {
            _ = site.deliver()
            _ = site.work(1)
            if case .apply = site[2].job {
                break
            }
            _ = site.work(2)
        }
        _ = site.work(2, crash: true)
        #expect(site.text(2) == "two")
        site.edit(1, "three")
        site.settle()
        site.start(2)
        site.settle()
        #expect(site.isEqual && site.text(2) == "three")
    }

    @Test func aMissingFileIsBroughtBack() {
        var site = started()
        site[2].disk = nil
        site.settle()
        #expect(site.isEqual && site.text(2) == "one")
        #expect(site.log.count { $0.hasPrefix("2: ") && $0.contains("was deleted here") } == 1)
    }

    @Test func withoutTheClusterTheEditWaits() {
        var site = started()
        site.handle(1, .lost("corosync is not running"))
        site[1].group = []
        let token = site.edit(1, "two")
        site.settle(2)
        #expect(site.answers[token]?.outcome == .incomplete)
        site.handle(2, .members([2], joined: []))
        site[2].group = [2]
        site.regroup()
        site.settle()
        #expect(site.isEqual && site.text(2) == "two")
    }

    @Test func aDecisionThatCannotBeCarriedOut() {
        var site = started()
        let nothing = site.decide(on: 1, for: 2)
        #expect(site.answers[nothing]?.text == "there is nothing to settle")
        let stranger = site.decide(on: 1, for: 9)
        #expect(site.answers[stranger]?.outcome == .incomplete)
        site.edit(2, "bad")
        site.settle()
        let broken = site.decide(on: 1, for: 2)
        #expect(site.answers[broken]?.text.contains("unknown directive") == true)
        // The good one may take the place of the broken one.
        let good = site.decide(on: 1, for: 1)
        site.settle()
        #expect(site.answers[good]?.outcome == .everywhere && site.text(2) == "one")
    }

    @Test func aBrokenFileCanBeGivenUpWhereItIs() {
        var site = started()
        site.edit(2, "bad")
        site.settle()
        let token = site.decide(on: 2, for: 1)
        site.settle()
        #expect(site.answers[token]?.outcome == .everywhere && site.text(2) == "one")
    }

    /// The operator decides while the other director's edit is still too fresh to be a version; it becomes one at each
    /// possible moment until the decision is carried out.
    @Test(arguments: 0..<12)
    func anEditThatBecomesAVersionWhileItIsGivenUp(steps: Int) {
        var site = started()
        site.stop(2)
        site.edit(1, "theirs")
        site.settle(3)
        site.edit(2, "its own", asks: false)
        site.start(2)
        var isMoving = true
        while isMoving {
            isMoving = site.deliver()
            isMoving = site.work(1) || isMoving
            isMoving = site.work(2) || isMoving
        }
        #expect(site[1].machine.condition == .conflict && site[2].machine.condition == .conflict)
        #expect(site[2].machine.holding.isClean == false)
        let token = site.decide(on: 2, for: 1)
        // Director 1 goes so far with the decision ...
        for step in 0..<steps {
            _ = step.isMultiple(of: 2) ? site.work(1) : site.deliver()
        }
        // ... and then ldirectord's callback on director 2 says that the edit is whole.
        _ = site.publish(2)
        _ = site.work(2)
        _ = site.work(2)
        site.settle()
        #expect(site.answers[token]?.outcome == .everywhere, "\(site.answers[token]?.text ?? "none")")
        #expect(site.isEqual && site.text(2) == "theirs")
        #expect(site.complaints == [])
    }

    @Test func twoDecisionsAtOnceDoNotExchangeTheFiles() {
        var site = started()
        site.edit(1, "mine")
        site.edit(2, "yours")
        site.settle(3)
        _ = site.decide(on: 1, for: 1)
        _ = site.decide(on: 2, for: 2)
        site.settle(60)
        let sent = site.sent
        site.settle(60)
        #expect(site.sent == sent)
        if !site.isEqual {
            #expect(site.text(1) == "mine" && site.text(2) == "yours")
            let token = site.decide(on: 1, for: 2)
            site.settle()
            #expect(site.answers[token]?.outcome == .everywhere && site.isEqual && site.text(1) == "yours")
        }
    }
}
