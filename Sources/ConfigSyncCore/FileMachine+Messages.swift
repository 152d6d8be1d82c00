// SPDX-License-Identifier: Apache-2.0

extension FileMachine {
    /// Takes note of a message; what is about another file is passed over.
    mutating func take(_ message: Message, _ now: Moment) {
        let isOurs = message.node == node
        guard separation == nil, isOurs || members.contains(message.node) else {
            return
        }
        switch message.body {
        case .state(let announcement) where announcement.path == path && !isOurs:
            take(announcement, of: message.node, now)
        case .fetch(path, node, let version) where !isOurs:
            send(version)
        case .begin(path, let transfer, let version, let size, let mode) where !isOurs:
            begin(message, transfer, version, Int(size), mode, now)
        case .part(let transfer, _, _) where isOurs:
            returned(transfer)
        case .part(let transfer, let offset, let bytes):
            append(message, transfer, offset, bytes, now)
        case .take(path, let chosen, let seen):
            log(.notice, "an operator decides for the file of \(name(of: chosen)) (asked on \(name(of: message.node)))")
            if chosen == node {
                settlement = seen
                wantsInspection = true
                isTrusted = true
            }
        default: break
        }
    }

    private mutating func take(_ announcement: Announcement, of sender: NodeID, _ now: Moment) {
        let former = peers[sender]?.announcement
        peers[sender] = Peer(announcement: announcement)
        if former?.holding != announcement.holding, assembly?.sender == sender,
            assembly?.head.id != announcement.holding.head?.id
        {
            // What it was sending is not what it has any more.
            assembly = nil
            wantedUntil = now
        }
        if let refused = announcement.refused, refused == holding.head?.id, former?.refusal != announcement.refusal {
            log(.error, "\(announcement.name) refuses version \(version(refused)): \(announcement.refusal)")
        }
        if !announcement.reload.isEmpty, announcement.reload != former?.reload {
            log(.error, "ldirectord on \(announcement.name) does not use it: \(announcement.reload)")
        }
    }

    private func version(_ id: VersionID) -> String {
        holding.head.flatMap { $0.id == id ? $0.version.description : nil } ?? "of another time"
    }

    /// Sends our content to everybody who wants it.
    private mutating func send(_ version: VersionID) {
        guard let head = holding.head, head.id == version, holding.isClean, outgoing?.version != version,
            bytes.count <= Message.fileLimit
        else {
            return
        }
        lastTransfer &+= 1
        outgoing = Outgoing(transfer: lastTransfer, version: version)
        effects.append(
            .send(
                .begin(
                    path: path,
                    transfer: lastTransfer,
                    version: version,
                    size: UInt32(bytes.count),
                    mode: mode
                )
            )
        )
        sendParts()
    }

    private mutating func sendParts() {
        while var current = outgoing, current.inFlight < Self.window {
            guard current.next < bytes.count else {
                if current.inFlight == 0 {
                    outgoing = nil
                }
                return
            }
            let run = bytes[current.next..<min(bytes.count, current.next + Message.partLength)]
            effects.append(
                .send(.part(transfer: current.transfer, offset: UInt32(current.next), bytes: Array(run)))
            )
            current.next += run.count
            current.inFlight += 1
            outgoing = current
        }
    }

    /// One of our parts has come back, so all have it: room for the next.
    private mutating func returned(_ transfer: UInt64) {
        guard outgoing?.transfer == transfer else {
            return
        }
        outgoing?.inFlight -= 1
        sendParts()
    }

    private mutating func begin(
        _ message: Message,
        _ transfer: UInt64,
        _ version: VersionID,
        _ size: Int,
        _ mode: UInt16,
        _ now: Moment
    ) {
        guard let wanted, wanted.id == version, received?.head.id != version else {
            return
        }
        assembly = Assembly(
            sender: message.node,
            incarnation: message.incarnation,
            transfer: transfer,
            head: wanted,
            mode: mode,
            size: size
        )
        progressAt = now
        complete(now)
    }

    private mutating func append(
        _ message: Message,
        _ transfer: UInt64,
        _ offset: UInt32,
        _ run: [UInt8],
        _ now: Moment
    ) {
        guard assembly?.sender == message.node, assembly?.incarnation == message.incarnation,
            assembly?.transfer == transfer
        else {
            return
        }
        guard assembly?.append(run, at: offset) == true else {
            assembly = nil
            wantedUntil = now
            return
        }
        progressAt = now
        complete(now)
    }

    private mutating func complete(_ now: Moment) {
        guard let done = assembly, done.isComplete else {
            return
        }
        assembly = nil
        guard done.isIntact else {
            log(.error, "version \(done.head.version) came damaged from \(name(of: done.sender)), asked for again")
            wantedUntil = now
            return
        }
        received = Received(head: done.head, bytes: done.bytes, mode: done.mode)
    }
}
