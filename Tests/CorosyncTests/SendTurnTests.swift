// SPDX-License-Identifier: Apache-2.0
import CCorosync
import Synchronization
import Testing

@testable import Corosync

/// Takes so many messages and refuses the next.
private final class Sink: MessageSink, Sendable {
    private struct State {
        var taken: [[UInt8]] = []
        var room: Int
    }

    private let state: Mutex<State>
    private let refusal: cs_error_t

    init(room: Int = .max, refusal: cs_error_t = CS_ERR_TRY_AGAIN) {
        state = Mutex(State(room: room))
        self.refusal = refusal
    }

    var taken: [[UInt8]] { state.withLock { $0.taken } }

    func makeRoom(_ room: Int) { state.withLock { $0.room = room } }

    func multicast(_ message: [UInt8]) throws(CorosyncError) {
        let isTaken = state.withLock { state in
            guard state.room > 0 else {
                return false
            }
            state.room -= 1
            state.taken.append(message)
            return true
        }
        guard isTaken else {
            throw CorosyncError("cpg_mcast_joined", refusal)
        }
    }
}

@Suite struct SendTurnTests {
    private let outbox: GroupOutbox<OrderedMessages>
    private var turn = SendTurn(retry: .milliseconds(1) ... .milliseconds(10), burst: 4)

    init() throws {
        outbox = try GroupOutbox(OrderedMessages())
    }

    private func add(_ bytes: ClosedRange<UInt8>) {
        for byte in bytes {
            outbox.add([byte])
        }
    }

    @Test mutating func everythingIsSentInOrder() throws {
        let sink = Sink()
        add(1...3)
        #expect(try turn.run(outbox, into: sink) == .done)
        #expect(sink.taken == [[1], [2], [3]])
    }

    @Test mutating func aFullTurnLooksAtWhatCameFirst() throws {
        let sink = Sink()
        add(1...5)
        #expect(try turn.run(outbox, into: sink) == .more(.milliseconds(1)))
        #expect(sink.taken.count == 4)
        #expect(try turn.run(outbox, into: sink) == .done)
        #expect(sink.taken.last == [5])
    }

    @Test mutating func aFullTurnAfterWhichNothingWaitsIsDone() throws {
        add(1...4)
        #expect(try turn.run(outbox, into: Sink()) == .done)
    }

    @Test mutating func refusalsMakeThePauseLonger() throws {
        let sink = Sink(room: 0)
        add(1...2)
        let pauses = try (0..<6).map { _ in try turn.run(outbox, into: sink).pause }
        #expect(pauses == [1, 2, 4, 8, 10, 10].map { Duration.milliseconds($0) })
        sink.makeRoom(1)
        #expect(try turn.run(outbox, into: sink) == .refused(.milliseconds(1)))
        sink.makeRoom(1)
        #expect(try turn.run(outbox, into: sink) == .done)
        #expect(sink.taken == [[1], [2]])
    }

    @Test mutating func anEndOfTheConnectionIsThrown() {
        add(1...1)
        let error = #expect(throws: CorosyncError.self) {
            try turn.run(outbox, into: Sink(room: 0, refusal: CS_ERR_LIBRARY))
        }
        #expect(error?.kind == .disconnected)
    }
}
