// SPDX-License-Identifier: Apache-2.0
import ConfigSyncCore

/// A seeded generator (SplitMix64), so that a failing run can be repeated.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}

/// Directors with a disk each, and a network that delivers in one order to all who are connected, as Corosync does.
///
/// Beside the machines it keeps books of its own on which edits are in which file, and complains when one is overwritten
/// that nobody has seen or given up.
struct Site {
    struct Director {
        var machine: FileMachine
        var incarnation: UInt64
        var isUp = true
        var isCutOff = false
        var disk: [UInt8]?
        /// When somebody last edited the file.
        var editedAt = Moment.zero
        var saved: SavedState?
        /// Edits that are in the file.
        var edits: Set<Int> = []
        var isReadOnly = false
        var refusesReload = false
        var job: FileJob?
        var group: Set<NodeID> = []
    }

    static let path = "/etc/ha.d/ldirectord.cf"
    /// How long a file must not have been edited before it is taken for whole.
    static let settleTime = Moment.seconds(2)

    var directors: [NodeID: Director] = [:]
    var time = Moment.seconds(100)
    var wire: [(to: Set<NodeID>, bytes: [UInt8])] = []
    var complaints: [String] = []
    var answers: [UInt64: Verdict] = [:]
    var log: [String] = []
    var sent = 0
    /// The edits that are in a version.
    private var books: [VersionID: Set<Int>] = [:]
    /// The edits that were in a director's file when it had this content.
    private var archive: [NodeID: [ContentDigest: Set<Int>]] = [:]
    /// Edits that an operator gave up for what this director has.
    private var given: [NodeID: Set<Int>] = [:]
    private var lastEdit = 0
    private var lastToken: UInt64 = 0

    init(_ count: Int) {
        for node in 1...NodeID(count) {
            directors[node] = Director(
                machine: FileMachine(path: Self.path, saved: nil, firstTransfer: UInt64(node) << 32),
                incarnation: UInt64(node)
            )
        }
        regroup()
    }

    /// What the parser of these tests has against a content.
    static func errors(_ bytes: [UInt8]) -> [String] {
        bytes.starts(with: Array("bad".utf8)) ? ["line 1: unknown directive"] : []
    }

    subscript(_ node: NodeID) -> Director {
        get {
            directors[node] ?? Director(machine: FileMachine(path: "", saved: nil, firstTransfer: 0), incarnation: 0)
        }
        set { directors[node] = newValue }
    }

    func text(_ node: NodeID) -> String? { self[node].disk.map { String(decoding: $0, as: UTF8.self) } }

    /// All directors have the same version and the same bytes.
    var isEqual: Bool {
        let all = directors.values
        return Set(all.map { $0.machine.holding.head?.id }).count == 1 && Set(all.map(\.disk)).count == 1
    }

    // Events.

    mutating func handle(_ node: NodeID, _ event: FileEvent) {
        guard self[node].isUp else {
            return
        }
        let effects = self[node].machine.handle(event, at: time)
        for effect in effects {
            switch effect {
            case .send(let body):
                sent += 1
                let director = self[node]
                let message = Message(node: node, incarnation: director.incarnation, body: body)
                // What a member sends while it is cut off from Corosync goes nowhere.
                if !director.group.isEmpty {
                    wire.append((to: director.group, bytes: message.encoded()))
                }
            case .run(let job): self[node].job = job
            case .answer(let token, let verdict): answers[token] = verdict
            case .log(_, let text): log.append("\(node): \(text)")
            }
        }
    }

    /// Edits the file of a director; the callback is called if `asks`.
    @discardableResult
    mutating func edit(_ node: NodeID, _ text: String, asks: Bool = true) -> UInt64 {
        lastEdit += 1
        self[node].disk = Array(text.utf8)
        self[node].editedAt = time
        self[node].edits.insert(lastEdit)
        remember(node)
        return asks ? publish(node) : 0
    }

    private mutating func remember(_ node: NodeID) {
        if let disk = self[node].disk {
            archive[node, default: [:]][ContentDigest(of: disk), default: []].formUnion(self[node].edits)
        }
    }

    mutating func publish(_ node: NodeID) -> UInt64 {
        lastToken += 1
        handle(node, .publish(token: lastToken))
        return lastToken
    }

    mutating func decide(on node: NodeID, for chosen: NodeID) -> UInt64 {
        lastToken += 1
        let effects = self[node].machine.peers
        let own = self[node].machine.holding.content
        handle(node, .take(token: lastToken, chosen))
        // Whoever decides gives up what the others are known to have.
        var seen = effects.compactMapValues(\.announcement.holding.content)
        seen[node] = own
        for (peer, content) in seen where peer != chosen {
            given[chosen, default: []].formUnion(archive[peer]?[content] ?? [])
        }
        return lastToken
    }

    mutating func stop(_ node: NodeID) {
        self[node].isUp = false
        self[node].job = nil
        regroup()
    }

    mutating func start(_ node: NodeID) {
        let saved = self[node].saved.map(\.text).flatMap { SavedState($0) }
        self[node].incarnation += 100
        self[node].machine = FileMachine(
            path: Self.path,
            saved: saved,
            firstTransfer: self[node].incarnation << 32
        )
        self[node].isUp = true
        self[node].group = []
        regroup()
    }

    /// The network's membership as it is now: all who are up and not cut off are one group, the others alone.
    mutating func regroup() {
        // What was under way is delivered before, as virtual synchrony has it.
        while deliver() {}
        let whole = Set(directors.filter { $0.value.isUp && !$0.value.isCutOff }.keys)
        for (node, director) in directors.sorted(by: { $0.key < $1.key }) {
            let group: Set<NodeID> = director.isUp ? (director.isCutOff ? [node] : whole) : []
            guard group != director.group else {
                continue
            }
            self[node].group = group
            if director.isUp {
                if director.group.isEmpty {
                    handle(node, .joined(node: node, name: "d\(node)"))
                }
                handle(node, .members(group, joined: group.subtracting(director.group)))
            }
        }
    }

    // What the world does.

    /// Delivers the oldest message; false when there is none.
    mutating func deliver() -> Bool {
        guard !wire.isEmpty else {
            return false
        }
        let (to, bytes) = wire.removeFirst()
        guard let message = try? Message(decoding: bytes) else {
            complaints.append("a message cannot be read again")
            return true
        }
        for node in to.sorted() where self[node].group.contains(message.node) {
            handle(node, .message(message))
        }
        return true
    }

    /// Ends a director's job; false when it has none.
    ///
    /// With `crash` the machine stops in the middle of it.
    mutating func work(_ node: NodeID, crash: Bool = false) -> Bool {
        guard let job = self[node].job else {
            return false
        }
        self[node].job = nil
        switch job {
        case .inspect(let judged):
            let bytes = self[node].disk
            let isJudged = bytes.map { judged.contains(ContentDigest(of: $0)) } ?? true
            let errors = isJudged ? [] : Self.errors(bytes ?? [])
            let isSettled = time - self[node].editedAt >= Self.settleTime
            handle(node, .done(.inspected(Inspection(content: bytes, errors: errors, isSettled: isSettled))))
        case .save(let head):
            guard !self[node].isReadOnly else {
                handle(node, .done(.saved(problem: "read-only")))
                return true
            }
            self[node].saved = SavedState(path: Self.path, head: head)
            if let disk = self[node].disk, ContentDigest(of: disk) == head.version.content {
                // A version of others with these bytes: their edits are in it, too.
                let decided = head.settled.isEmpty ? [] : given[node] ?? []
                books[head.id, default: []].formUnion(self[node].edits.union(decided))
                self[node].edits = books[head.id] ?? []
                remember(node)
            }
            handle(node, .done(.saved(problem: nil)))
        case .apply(let head, let bytes, let expected, _, _):
            apply(node, head, bytes, expected, crash)
        case .reload:
            handle(node, .done(.reloaded(problem: self[node].refusesReload ? "no" : nil)))
        }
        return true
    }

    private mutating func apply(
        _ node: NodeID,
        _ head: Head,
        _ bytes: [UInt8],
        _ expected: ContentDigest?,
        _ crash: Bool
    ) {
        guard !self[node].isReadOnly else {
            return handle(node, .done(.failed("read-only")))
        }
        let errors = Self.errors(bytes)
        guard errors.isEmpty else {
            return handle(node, .done(.refused(errors)))
        }
        self[node].saved = SavedState(path: Self.path, head: self[node].machine.holding.head, incoming: head)
        guard self[node].disk.map(ContentDigest.init(of:)) == expected else {
            return handle(node, .done(.overtaken))
        }
        let lost = self[node].edits.subtracting(books[head.id] ?? [])
        if !lost.isEmpty {
            complaints.append("d\(node) loses the edits \(lost.sorted()) to \(String(decoding: bytes, as: UTF8.self))")
        }
        self[node].disk = bytes
        self[node].edits = books[head.id] ?? []
        remember(node)
        if crash {
            stop(node)
            return
        }
        self[node].saved = SavedState(path: Self.path, head: head)
        handle(node, .done(.applied(reload: self[node].refusesReload ? "no" : nil)))
    }

    /// Lets everything happen until nothing moves any more, and then some time pass, again and again.
    mutating func settle(_ seconds: Int = 100) {
        for _ in 0..<seconds {
            var isMoving = true
            while isMoving {
                isMoving = deliver()
                for node in directors.keys.sorted() {
                    isMoving = work(node) || isMoving
                }
            }
            time += .seconds(1)
            for node in directors.keys.sorted() {
                handle(node, .tick)
            }
        }
    }
}
