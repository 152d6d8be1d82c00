// SPDX-License-Identifier: Apache-2.0
import IPVS
import LDirectorConfig
import LinuxKit

extension Daemon {
    /// How often the table of services with `reconcile` is looked at; IPVS tells nobody of changes.
    private static let reconcileInterval = Duration.seconds(5)

    /// The longest time that an orderly stop waits for programs that it started.
    private static let stopLimit = Duration.seconds(45)

    // MARK: configuration

    /// What of a valid configuration cannot be done on this machine, a file to be written above all; nil when nothing.
    static func problem(of configuration: Configuration) -> String? {
        EventLog.problem(of: configuration.daemon.logTarget) ?? monitorProblem(of: configuration)
    }

    /// Why a monitor file cannot be written; nil when all can.
    static func monitorProblem(of configuration: Configuration) -> String? {
        configuration.virtualServers.lazy.compactMap(\.monitorFile).compactMap(MonitorFiles.problem).first
    }

    /// Prepares for a configuration before it is put in force, so that no server that is held out gets in between.
    func prepareLifeCycle(for configuration: Configuration) {
        let path = configuration.daemon.maintenanceDirectory
        if lifeCycle.maintenance?.path != path {
            lifeCycle.maintenance?.close()
            lifeCycle.isMaintenanceBroken = false
            lifeCycle.maintenance = path.map { path in
                MaintenanceDirectory(path, on: loop) { [weak self] in self?.readMaintenance() }
            }
        }
        readMaintenance()
    }

    /// Follows a configuration that is in force now.
    func followLifeCycle() {
        lookUpHostNames()
        runFallbackCommands(director.configuration.virtualServers.map(\.key))
        planDeadline()
        planReconciliation()
    }

    // MARK: servers

    /// Follows up on a check: most change nothing, and then nothing is looked at twice.
    func followCheck(of plan: CheckPlan, _ transitions: [Transition]) {
        if transitions.isEmpty {
            let services = (director.subscribers[plan] ?? []).map(\.service)
            runFallbackCommands(services.filter(director.awaitsFirstFallbackCall))
        } else {
            runFallbackCommands(Set(transitions.map(\.server.service)))
            planDeadline()
        }
    }

    /// Tells the monitor files of a check.
    func monitor(_ plan: CheckPlan) {
        for (path, lines) in director.monitorLines(plan) {
            lifeCycle.monitorFiles.write(lines, to: path)
        }
    }

    private func runFallbackCommands(_ keys: some Sequence<VirtualServiceKey>) {
        lifeCycle.fallbackCommands.enqueue(director.fallbackCalls(of: keys))
    }

    /// Sets the timer for what is due next: the end of a warm-up, or of a drain.
    private func planDeadline() {
        if let timer = lifeCycle.deadlineTimer {
            loop.cancel(timer)
        }
        lifeCycle.deadlineTimer = director.nextDeadline.map { deadline in
            loop.at(deadline) { [weak self] in
                guard let self, !self.isStopping else {
                    return
                }
                self.lifeCycle.deadlineTimer = nil
                let transitions = self.director.advance(to: self.loop.now)
                self.take(transitions)
                self.runFallbackCommands(Set(transitions.map(\.server.service)))
                self.planDeadline()
            }
        }
    }

    // MARK: maintenance directory

    func readMaintenance() {
        guard !isStopping else {
            return
        }
        var files: [String: String] = [:]
        if let directory = lifeCycle.maintenance {
            if let found = directory.read() {
                if lifeCycle.isMaintenanceBroken {
                    log.write("maintenancedir: \(directory.path) can be read again")
                }
                lifeCycle.isMaintenanceBroken = false
                files = found
            } else {
                let error = SystemError.last("read", directory.path)
                if !lifeCycle.isMaintenanceBroken {
                    log.write("maintenancedir: \(error); without it no server is in maintenance")
                }
                lifeCycle.isMaintenanceBroken = true
            }
        }
        applyMaintenance(MaintenanceFiles(files))
    }

    private func applyMaintenance(_ files: MaintenanceFiles) {
        let released = heldServers
        defer { lookUpHostNames() }
        let transitions = director.setMaintenance(files, hosts: lifeCycle.hostNames?.known ?? [:], at: loop.now)
        take(transitions)
        runFallbackCommands(Set(transitions.map(\.server.service)))
        checkReleased(released)
    }

    private func lookUpHostNames() {
        guard lifeCycle.maintenance != nil else {
            lifeCycle.hostNames = nil
            return
        }
        if lifeCycle.hostNames == nil {
            lifeCycle.hostNames = HostNames(on: loop) { [weak self] in
                if let self, !self.isStopping {
                    self.applyMaintenance(self.director.maintenance)
                }
            }
        }
        // Nobody's resolver is troubled for files that are named after addresses.
        let servers =
            director.maintenance.namesHosts ? director.configuration.virtualServers.flatMap(\.realServers) : []
        lifeCycle.hostNames?.look(up: Set(servers.map(\.address)))
    }

    // MARK: orders

    /// Answers a request about single servers; nil when it is none.
    func answerOperator(_ text: String) -> String? {
        guard text != "children" else {
            return director.configuration.daemon.childConfigurations.map { $0 + "\n" }.joined()
        }
        let request: OperatorRequest
        do throws(OperatorRequest.SyntaxError) {
            guard let understood = try OperatorRequest(text) else {
                return nil
            }
            request = understood
        } catch {
            return "error: \(error.description)\n"
        }
        let ids = director.servers(named: request.server, in: request.service)
        guard !ids.isEmpty else {
            let place = request.service.map { " in \($0)" } ?? ""
            return "error: no real server \(request.server)\(place); status shows their names\n"
        }
        let released = heldServers
        var problem = ""
        if request.verb == .recheck {
            scheduler.check(director.plans(of: ids))
        } else {
            for id in ids {
                take(director.setOrder(order(request.verb, for: id), for: [id], at: loop.now))
            }
            problem = saveOrders()
        }
        runFallbackCommands(Set(ids.map(\.service)))
        checkReleased(released)
        flush()
        return problem + ids.map { "ok \(director.orderDescription(of: $0))\n" }.joined()
    }

    private func order(_ verb: OperatorRequest.Verb, for id: ServerID) -> StandingOrder? {
        let wish: StandingOrder.Wish
        switch verb {
        case .enable, .recheck: return nil
        case .disable: wish = .out
        case .weight(let weight): wish = .weight(weight)
        case .drain(let limit):
            let configured = director.drainLimit(of: id)
            let chosen = limit ?? configured
            wish = .drain(limit: chosen > .zero ? chosen : nil)
        }
        return StandingOrder(wish, reason: StandingOrder.operatorReason(wish), since: loop.now)
    }

    /// Keeps the orders for a restart; says so when that fails.
    private func saveOrders() -> String {
        do {
            try lifeCycle.orderFile.write(director.operatorOrders)
            return ""
        } catch {
            log.write("Orders are not kept over a restart: \(error)")
            return "warning: this will not outlive a restart of the daemon: \(error)\n"
        }
    }

    private var heldServers: [ServerID] { director.states.filter { $0.value.hold != nil }.map(\.key) }

    /// Servers that nobody holds out any more are checked at once.
    private func checkReleased(_ before: [ServerID]) {
        let released = before.filter { director.states[$0].map { $0.hold == nil && !$0.isUp } ?? false }
        if !released.isEmpty {
            scheduler.check(director.plans(of: released))
        }
        planDeadline()
    }

    // MARK: repairs

    private func planReconciliation() {
        lifeCycle.vainRepairs = [:]
        if let timer = lifeCycle.reconcileTimer {
            loop.cancel(timer)
            lifeCycle.reconcileTimer = nil
        }
        guard !director.reconciledServices.isEmpty else {
            return
        }
        lifeCycle.reconcileTimer = loop.after(Self.reconcileInterval) { [weak self] in
            guard let self, !self.isStopping else {
                return
            }
            let vain = self.lifeCycle.vainRepairs
            self.repair()
            self.planReconciliation()
            self.lifeCycle.vainRepairs.merge(vain) { new, _ in new }
        }
    }

    private func repair() {
        let keys = director.reconciledServices.filter { refused[$0] == nil }
        do throws(IPVSError) {
            let planned = director.repairs(of: try table.read(keys)).filter { refused[$0.change.serviceKey] == nil }
            let wanted = Dictionary(grouping: planned, by: \.change.serviceKey)
            for (key, repairs) in wanted where lifeCycle.vainRepairs[key] != repairs.map(\.change) {
                perform(repairs)
                let left = director.repairs(of: try table.read([key])).map(\.change)
                    .filter { $0.serviceKey == key }
                if !left.isEmpty, refused[key] == nil {
                    lifeCycle.vainRepairs[key] = left
                    log.write("Virtual server \(key) stays as it is, the kernel does not keep: \(left)")
                }
            }
        } catch {
            refuse(Dictionary(keys.map { ($0, error.description) }) { first, _ in first })
        }
    }

    // MARK: stop

    /// Starts what an orderly stop has to start, and calls `done` when all of it is over, or took too long.
    func stopLifeCycle(_ done: @escaping () -> Void) {
        lifeCycle.maintenance?.close()
        var done: (() -> Void)? = done
        let finish = { [weak self] in
            if self?.lifeCycle.isIdle ?? true {
                done?()
                done = nil
            }
        }
        lifeCycle.fallbackCommands.whenIdle = finish
        lifeCycle.children.whenIdle = finish
        lifeCycle.fallbackCommands.enqueue(director.fallbackCallsOnStop())
        lifeCycle.children.stop()
        loop.after(Self.stopLimit) {
            done?()
            done = nil
        }
        finish()
    }
}
