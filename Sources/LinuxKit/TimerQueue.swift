// SPDX-License-Identifier: Apache-2.0

/// A binary heap of points in time, the earliest first; equal ones in the order in which they were made.
struct TimerQueue {
    struct Entry: Comparable {
        let instant: SuspendingClock.Instant
        let number: UInt64

        static func < (left: Entry, right: Entry) -> Bool {
            left.instant == right.instant ? left.number < right.number : left.instant < right.instant
        }
    }

    private var heap: [Entry] = []

    var first: Entry? { heap.first }

    mutating func insert(_ entry: Entry) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0, heap[child] < heap[(child - 1) / 2] {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func removeFirst() {
        guard let last = heap.popLast(), !heap.isEmpty else {
            return
        }
        heap[0] = last
        sink(0)
    }

    var count: Int { heap.count }

    /// Forgets entries.
    mutating func keep(_ isWanted: (Entry) -> Bool) {
        heap.removeAll { !isWanted($0) }
        for parent in (0..<heap.count / 2).reversed() {
            sink(parent)
        }
    }

    private mutating func sink(_ start: Int) {
        var parent = start
        while true {
            var child = 2 * parent + 1
            guard child < heap.count else {
                return
            }
            if child + 1 < heap.count, heap[child + 1] < heap[child] {
                child += 1
            }
            guard heap[child] < heap[parent] else {
                return
            }
            heap.swapAt(child, parent)
            parent = child
        }
    }
}
