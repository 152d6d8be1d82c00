// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import NeighborPackets
import Testing

@testable import HeartbeatCore

@Suite struct GatewayQuestionTests {
    private static let patience = Duration.milliseconds(320)
    private let ours = LinkLayerAddress(bytes: [2, 0, 0, 0, 0, 1] as [UInt8])
    private let theirs = LinkLayerAddress(bytes: [2, 0, 0, 0, 0, 0xfe] as [UInt8])

    private func question(_ gateway: String, from address: String) throws -> GatewayQuestion? {
        let device = AnnouncingDevice(
            index: 3,
            name: "eth0",
            hardware: try #require(ours),
            broadcast: nil,
            hardwareType: ARPPacket.ethernet
        )
        return GatewayQuestion(
            gateway: try #require(IPAddress(gateway)),
            address: try #require(IPAddress(address)),
            device: device
        )
    }

    private func reply(
        _ operation: ARPPacket.Operation = .reply,
        of sender: String = "10.0.0.254",
        from hardware: LinkLayerAddress?,
        to target: String = "10.0.0.1"
    ) throws -> [UInt8] {
        let packet = ARPPacket(
            operation: operation,
            senderHardware: try #require(hardware),
            sender: try #require(IPAddress(sender)),
            targetHardware: try #require(ours),
            target: try #require(IPAddress(target))
        )
        return try #require(packet).bytes
    }

    @Test func onlyItsReplyToUsIsAnAnswer() throws {
        let question = try #require(try question("10.0.0.254", from: "10.0.0.1"))
        #expect(question.answer(in: try reply(from: theirs)) == theirs)
        #expect(question.answer(in: try reply(.request, from: theirs)) == nil, "its question proves only one way")
        #expect(question.answer(in: try reply(of: "10.0.0.2", from: theirs)) == nil)
        #expect(question.answer(in: try reply(from: theirs, to: "10.0.0.254")) == nil, "an announcement")
        #expect(question.answer(in: try reply(from: ours)) == nil, "our own word")
        #expect(question.answer(in: Array(try reply(from: theirs).dropLast())) == nil)
    }

    @Test func allAreAskedUntilItHasAnswered() throws {
        var question = try #require(try question("10.0.0.254", from: "10.0.0.1"))
        var time = TestTime()
        let first = try #require(question.frame(patience: Self.patience, at: time.now))
        #expect(first.destination.description == "ff:ff:ff:ff:ff:ff")
        let packet = try #require(ARPPacket(first.payload))
        #expect(packet.operation == .request && packet.sender.description == "10.0.0.1")
        #expect(packet.target.description == "10.0.0.254" && packet.senderHardware == ours)
        question.noteAnswer(from: theirs, at: time.now)
        time.milliseconds += 200
        #expect(question.frame(patience: Self.patience, at: time.now)?.destination == theirs)
        time.milliseconds += 200
        #expect(question.frame(patience: Self.patience, at: time.now)?.destination == first.destination)
        #expect(question.solicitation(patience: Self.patience, at: time.now) == nil)
    }

    @Test func itIsNotAskedWhileEchoesAreAnswered() throws {
        var question = try #require(try question("10.0.0.254", from: "10.0.0.1"))
        var time = TestTime()
        #expect(question.isDue(patience: Self.patience, at: time.now))
        question.noteEcho(at: time.now)
        time.milliseconds += 320
        #expect(!question.isDue(patience: Self.patience, at: time.now))
        time.milliseconds += 1
        #expect(question.isDue(patience: Self.patience, at: time.now))
    }

    @Test func neighboursOfIPv6() throws {
        var question = try #require(try question("fe80::1", from: "2001:db8::1"))
        let time = TestTime()
        #expect(question.frame(patience: Self.patience, at: time.now) == nil)
        #expect(
            question.solicitation(patience: Self.patience, at: time.now)?.destination.description == "ff02::1:ff00:1"
        )
        question.noteAnswer(at: time.now)
        #expect(question.solicitation(patience: Self.patience, at: time.now)?.destination.description == "fe80::1")
        let target = try #require(IPAddress("fe80::1")).bytes
        let answer: [UInt8] = [136, 0, 0, 0, 0xc0, 0, 0, 0] + target
        #expect(question.isAnswer(answer, hopLimit: 255))
        #expect(!question.isAnswer(answer, hopLimit: 254), "it has come through a router")
        #expect(!question.isAnswer(answer, hopLimit: nil))
        #expect(try self.question("fe80::1", from: "10.0.0.1") == nil)
    }
}
