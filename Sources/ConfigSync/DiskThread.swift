// SPDX-License-Identifier: Apache-2.0
import ConfigSyncCore
import Corosync
import LinuxKit

/// The one thread that touches the disk and waits for ldirectord; jobs are done in their order.
struct DiskThread: Sendable {
    struct Order: Sendable {
        let file: String
        let job: FileJob
    }

    struct Report: Sendable {
        let file: String
        let result: FileJobResult
    }

    let reports: Mailbox<Report>
    private let orders: Mailbox<Order>
    private let disks: [String: FileDisk]

    init(_ disks: [FileDisk]) throws(SystemError) {
        reports = try Mailbox()
        orders = try Mailbox()
        self.disks = Dictionary(disks.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
    }

    func perform(_ job: FileJob, on file: String) { orders.post(Order(file: file, job: job)) }

    func start() {
        CorosyncThread.start("cs-disk") { run() }
    }

    private func run() {
        var disks = disks
        while true {
            orders.wait(.seconds(3600))
            for order in orders.drain() {
                if let result = disks[order.file]?.perform(order.job) {
                    reports.post(Report(file: order.file, result: result))
                }
            }
        }
    }
}
