// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Testing

@testable import ConfigSyncCore

@Suite struct CodecTests {
    private static func head(_ random: inout Seeded) -> Head {
        var head: Head?
        for step in 0..<Int.random(in: 1...300, using: &random) {
            head = Head.edit(of: head, content: ContentDigest(of: [UInt8(step & 255)]), node: NodeID(step % 3))
        }
        let last = head ?? Head.edit(of: nil, content: ContentDigest(of: []), node: 1)
        let settled = (0..<Int.random(in: 0...20, using: &random)).map { ContentDigest(of: [UInt8($0)]) }
        return Head(last.version, ancestry: last.ancestry, settled: settled)
    }

    static func message(_ random: inout Seeded) -> Message {
        let head = head(&random)
        let path = "/etc/ha.d/\(Int.random(in: 0..<100, using: &random)).cf"
        let bytes = (0..<Int.random(in: 1...Message.partLength, using: &random)).map { UInt8($0 & 255) }
        let body: MessageBody =
            switch Int.random(in: 0..<6, using: &random) {
            case 0: .fetch(path: path, from: 3, version: head.id)
            case 1: .begin(path: path, transfer: 7, version: head.id, size: 12, mode: 0o640)
            case 2: .part(transfer: 9, offset: 7168, bytes: bytes)
            case 3: .take(path: path, node: 2, seen: [1: head.version.content, 2: ContentDigest(of: [])])
            case 4: .state(Announcement(path: path, name: "d1", holding: Holding()))
            default:
                .state(
                    Announcement(
                        path: path,
                        name: "director-\(path.count)",
                        holding: Holding(head: head, content: head.version.content),
                        problem: String(repeating: "ü", count: 500),
                        refused: head.id,
                        refusal: "line 7: what?",
                        reload: "no"
                    )
                )
            }
        return Message(node: .random(in: 0...9, using: &random), incarnation: 77, body: body)
    }

    @Test func everyMessageIsReadAgain() throws {
        var random = Seeded(state: 1)
        for _ in 0..<200 {
            let message = Self.message(&random)
            let bytes = message.encoded()
            #expect(bytes.count <= Message.limit)
            #expect(try Message(decoding: bytes) == message)
        }
    }

    @Test func aTextIsCutBetweenCharacters() throws {
        var announcement = Announcement(path: "/f", name: "d1", holding: Holding())
        announcement.problem = "x" + String(repeating: "ü", count: 600)
        let bytes = Message(node: 1, incarnation: 1, body: .state(announcement)).encoded()
        guard case .state(let read) = try Message(decoding: bytes).body else {
            Issue.record("another kind")
            return
        }
        #expect(read.problem.utf8.count == 999 && read.problem.last == "ü")
    }

    @Test func whatIsNotForUsIsRefusedByItsReason() throws {
        let good = Message(node: 1, incarnation: 1, body: .part(transfer: 1, offset: 0, bytes: [1, 2, 3])).encoded()
        func failure(_ change: (inout [UInt8]) -> Void) -> Message.Malformed? {
            var bytes = good
            change(&bytes)
            do throws(Message.Malformed) {
                _ = try Message(decoding: bytes)
                return nil
            } catch {
                return error
            }
        }
        #expect(failure { _ in } == nil)
        #expect(failure { $0.removeLast(20) } == .truncated)
        #expect(failure { $0[0] = 0 } == .foreign)
        #expect(failure { $0[4] = 2 } == .version(2))
        #expect(failure { $0.append(0) } == .length)
        #expect(failure { $0[40] ^= 1 } == .checksum)
    }

    /// Damaged bytes with a right checksum reach the records: nothing there may trap, and what is read is in its bounds.
    @Test func spoiltMessagesDoNotTrap() {
        var random = Seeded(state: 20)
        var read = 0
        for _ in 0..<6000 {
            var bytes = Self.message(&random).encoded()
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
            case 1: bytes += (0..<Int.random(in: 1...40, using: &random)).map { UInt8($0) }
            default: break
            }
            for _ in 0..<Int.random(in: 0...4, using: &random) where !bytes.isEmpty {
                let place = Int.random(in: 0..<min(bytes.count, 400), using: &random)
                bytes[place] = UInt8.random(in: 0...255, using: &random)
            }
            if bytes.count >= 32 {
                let length = UInt32(bytes.count)
                for index in 0..<4 {
                    bytes[8 + index] = UInt8(truncatingIfNeeded: length >> (24 - 8 * UInt32(index)))
                    bytes[12 + index] = 0
                }
                let checksum = CRC32C.checksum(bytes)
                for index in 0..<4 {
                    bytes[12 + index] = UInt8(truncatingIfNeeded: checksum >> (24 - 8 * UInt32(index)))
                }
            }
            if let message = try? Message(decoding: bytes) {
                read += 1
                if case .begin(_, _, _, let size, _) = message.body {
                    #expect(size <= Message.fileLimit)
                }
            }
        }
        #expect(read > 300)
    }

    /// Messages that are well formed and lie: the machine takes nothing that is not what it asked for.
    @Test func liesOfMembersAreNotBelieved() {
        var random = Seeded(state: 4)
        for _ in 0..<60 {
            var machine = FileMachine(path: "/etc/ha.d/1.cf", saved: nil, firstTransfer: 1)
            _ = machine.handle(.joined(node: 1, name: "d1"), at: .zero)
            _ = machine.handle(.members([1, 2, 3], joined: [1, 2, 3]), at: .zero)
            _ = machine.handle(.done(.inspected(Inspection(content: [1]))), at: .zero)
            _ = machine.handle(.done(.saved(problem: nil)), at: .zero)
            for _ in 0..<100 {
                let effects = machine.handle(.message(Self.message(&random)), at: .seconds(1))
                for effect in effects {
                    if case .run(.apply(let head, let bytes, _, _, _)) = effect {
                        #expect(head.version.content == ContentDigest(of: bytes))
                    }
                }
            }
        }
    }

    @Test func theStateIsReadAgain() {
        var random = Seeded(state: 2)
        for _ in 0..<50 {
            let state = SavedState(path: "/a b/c.cf", head: Self.head(&random), incoming: Self.head(&random))
            #expect(SavedState(state.text) == state)
            // Half a file is none.
            #expect(SavedState(String(state.text.prefix(state.text.count / 2))) == nil)
        }
        #expect(SavedState("") == nil)
        #expect(SavedState(SavedState(path: "/x").text) == SavedState(path: "/x"))
    }

    @Test func theDigestIsThatOfSha256sum() {
        #expect(
            ContentDigest(of: Array("abc".utf8)).description
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
        #expect(ContentDigest(of: []).short == "e3b0c442")
    }
}
