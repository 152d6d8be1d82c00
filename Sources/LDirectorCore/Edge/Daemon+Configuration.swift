// SPDX-License-Identifier: Apache-2.0
import IPVS
import LDirectorConfig
import LinuxKit

/// What is being read on a thread of its own.
struct PendingReading {
    /// Changes with every reading, so that an older one that ends later is known.
    var generation = 0
    var isRunning = false
    /// Asked for again while one runs.
    var isWantedAgain = false
    /// What follows it.
    var completions: [() -> Void] = []
    /// When the reload was asked for that is not done yet; nil when there is none.
    var reloadBegan: SuspendingClock.Instant?
    /// Why names could not be looked up again the last time.
    var problem: [String] = []
}

extension Daemon {
    /// Time between two look-ups of all host names (`resolve=periodic`).
    private static let lookUpInterval = Duration.seconds(30)

    /// A reload that takes longer is told.
    private static let readingPatience = Duration.seconds(3)

    /// Brings a configuration into force.
    func install(_ configuration: Configuration) throws(IPVSError) {
        let current = try table.read()
        reports.begin(configuration.daemon)
        let former = Set(director.configuration.virtualServers.map(\.key))
        if configuration == director.configuration, !configuration.virtualServers.isEmpty {
            // The same again, as from a script that reloads to be sure: states and checks stay, the table is put right.
            perform(director.synchronisation(with: current))
            return endPhase()
        }
        prepareLifeCycle(for: configuration)
        do throws(CheckPlanner.Unsupported) {
            try director.install(configuration, table: current, at: loop.now)
        } catch {
            // The file was judged by the same rules before; it cannot fail now.
            return log.write("Configuration not used: \(error)")
        }
        refused = refused.filter { key, _ in configuration.virtualServers.contains { $0.key == key } }
        perform(director.synchronisation(with: current, former: former))
        let plans = director.plans
        scheduler.run(plans)
        idleWatches.run(plans)
        followLifeCycle()
        reports.follow(director)
        if !flushIsPlanned {
            endPhase()
        }
    }

    /// Reads the file again; a faulty one changes nothing.
    ///
    /// On a thread of its own, one at a time: looking names up may take longer than checks can wait.
    ///
    /// - Parameters:
    ///   - content: The file's bytes if they are known; else it is read.
    ///   - completion: Called when the new configuration is in force, or refused.
    func reloadInBackground(_ content: [UInt8]? = nil, completion: (() -> Void)? = nil) {
        guard !isStopping else {
            return
        }
        reading.completions += completion.map { [$0] } ?? []
        guard !reading.isRunning else {
            reading.isWantedAgain = true
            reading.reloadBegan = reading.reloadBegan ?? loop.now
            return
        }
        reading.generation += 1
        let generation = reading.generation
        beginReload()
        read(content) { [weak self] result in
            guard let self else {
                return
            }
            reading.reloadBegan = nil
            switch result {
            case .success(let reading): finishReload(reading)
            case .failure(let error): failReload(error)
            }
        }
        loop.after(Self.readingPatience) { [weak self] in
            if let self, generation == reading.generation, reading.reloadBegan != nil, !isStopping {
                log.write("Host names of \(file.path) are still being looked up; meanwhile nothing changes")
            }
        }
    }

    /// Follows host names to other addresses, where that is wanted.
    func lookUpNamesAgain() {
        if director.configuration.daemon.resolvesPeriodically, !reading.isRunning, !isStopping {
            let generation = reading.generation
            read(contentInForce) { [weak self] result in
                if let self, generation == reading.generation, case .success(let found) = result {
                    follow(found)
                }
            }
        }
        loop.after(Self.lookUpInterval) { [weak self] in self?.lookUpNamesAgain() }
    }

    private func follow(_ found: ConfigurationFile.Reading) {
        guard let configuration = found.configuration else {
            if reading.problem != found.summaries {
                log.write("Host names cannot be looked up, their addresses stay:")
                found.summaries.forEach(log.write)
            }
            return reading.problem = found.summaries
        }
        reading.problem = []
        guard configuration != director.configuration else {
            return
        }
        log.write("Host names have other addresses now")
        do throws(IPVSError) {
            try install(configuration)
        } catch {
            log.write("Their former addresses stay: the kernel's table could not be read: \(error)")
        }
    }

    /// Reads and judges bytes, or the file, while the loop goes on.
    private func read(
        _ content: [UInt8]?,
        completion: @escaping (Result<ConfigurationFile.Reading, SystemError>) -> Void
    ) {
        let file = file
        let work: @Sendable () -> Result<ConfigurationFile.Reading, SystemError> = {
            do throws(SystemError) {
                if let content {
                    return .success(file.evaluate(content))
                }
                return .success(try file.read())
            } catch {
                return .failure(error)
            }
        }
        reading.isRunning = true
        do throws(SystemError) {
            try BackgroundWork.start(on: loop, work) { [weak self] result in
                self?.endReading { completion(result) }
            }
        } catch {
            // Without a thread it is done here, where it may delay the checks.
            endReading { completion(work()) }
        }
    }

    private func endReading(_ action: () -> Void) {
        reading.isRunning = false
        guard !isStopping else {
            return
        }
        action()
        if reading.isWantedAgain {
            reading.isWantedAgain = false
            return reloadInBackground()
        }
        let completions = reading.completions
        reading.completions = []
        completions.forEach { $0() }
    }

    private func beginReload() {
        reading.reloadBegan = reading.reloadBegan ?? loop.now
        reports.manager.send(["RELOADING=1", "MONOTONIC_USEC=\(monotonicMicroseconds)"])
    }

    private func failReload(_ error: SystemError) {
        defer { reports.manager.send(["READY=1"]) }
        rejected = [error.description]
        log.write("Reload failed, the running configuration stays: \(error)")
    }

    private func finishReload(_ reading: ConfigurationFile.Reading) {
        defer { reports.manager.send(["READY=1"]) }
        watcher.accept(reading.content)
        if let problem = reading.configuration.flatMap(Self.problem) {
            rejected = [problem]
            return log.write("Reload failed, the running configuration stays: \(problem)")
        }
        guard let configuration = reading.configuration else {
            rejected = reading.summaries
            log.write("Reload failed, the running configuration stays:")
            return reading.summaries.forEach(log.write)
        }
        reading.summaries.forEach(log.write)
        rejected = []
        contentInForce = reading.content
        log.follow(configuration.daemon)
        do throws(IPVSError) {
            try install(configuration)
            lifeCycle.children.serve(configuration.daemon.childConfigurations)
            log.write("Reloaded configuration \(file.path)")
        } catch {
            rejected = ["the kernel's table could not be read: \(error)"]
            log.write("Reload failed, the running configuration stays: \(error)")
        }
    }

    /// Looks every second whether the file has changed.
    func pollConfiguration() {
        let wasMissing = watcher.isMissing
        defer {
            if watcher.isMissing, !wasMissing {
                log.write("Configuration file '\(file.path)' is gone; the running configuration stays")
            }
        }
        if let content = watcher.poll(), !isStopping {
            let reloads = director.configuration.daemon.reloadsAutomatically
            log.write("Configuration file '\(file.path)' has changed on disk - \(reloads ? "reloading" : "ignored")")
            if reloads {
                reloadInBackground(content) { [weak self] in self?.callBack(afterReload: true) }
            } else {
                callBack(afterReload: false)
            }
        }
        loop.after(.seconds(1)) { [weak self] in self?.pollConfiguration() }
    }

    private func callBack(afterReload: Bool) {
        if rejected.isEmpty || !afterReload, let program = director.configuration.daemon.callback {
            callback.start(program, path: file.path)
        }
    }
}
