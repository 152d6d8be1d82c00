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
        var parent = 0
        while true {
            let children = [2 * parent + 1, 2 * parent + 2].filter { $0 < heap.count }
            guard let smallest = children.min(by: { heap[$0] < heap[$1] }), heap[smallest] < heap[parent] else {
                return
            }
            heap.swapAt(smallest, parent)
            parent = smallest
        }
    }
}
