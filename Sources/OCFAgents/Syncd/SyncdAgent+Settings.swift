// SPDX-License-Identifier: Apache-2.0
import Glibc
import IPVS
import LinuxKit

extension SyncdAgent {
    /// Writes the settings that the parameters ask for.
    ///
    /// - Returns: The names of those that changed.
    /// - Throws: ``IPVSError`` when the kernel lacks one that a parameter names, or refuses a value.
    func applySettings(_ settings: SyncdSettings, _ record: inout SyncdRecord) throws(IPVSError) -> Set<String> {
        let sysctl = IPVSSysctl()
        var changed: Set<String> = []
        record.intent.settings = []
        for assignment in settings.assignments {
            guard let present = try sysctl.value(assignment.name) else {
                if assignment.isExplicit {
                    // Setting it says so in the same words everywhere.
                    _ = try sysctl.set(assignment.name, to: assignment.value(present: ""))
                }
                log.warning("this kernel has no setting net.ipv4.vs.\(assignment.name)")
                continue
            }
            let value = assignment.value(present: present)
            record.intent.settings.append(SyncIntent.Setting(assignment.name, value))
            if let before = try sysctl.set(assignment.name, to: value) {
                changed.insert(assignment.name)
                log.info("net.ipv4.vs.\(assignment.name) = \(value) (was \(before))")
                if settings.restoreSysctl {
                    record.keep(assignment.name, before)
                }
            }
        }
        return changed
    }

    /// Writes back what ``applySettings(_:_:)`` kept.
    func restoreSettings(_ record: SyncdRecord) {
        for (name, value) in record.settings {
            do {
                _ = try IPVSSysctl().set(name, to: value)
            } catch {
                // The daemons are stopped, which is what stop is for; a setting is not worth fencing the node.
                log.warning("\(error)")
            }
        }
    }

    /// Loads ip_vs with the options that were asked for; without any the kernel loads it by itself.
    func loadModule(_ settings: SyncdSettings) throws(OCFError) {
        guard !settings.moduleOptions.isEmpty else {
            return
        }
        if hasIPVS {
            for option in settings.moduleOptions {
                let path = "/sys/module/ip_vs/parameters/\(option.name)"
                let present = try? TextFile.read(path, limit: 64).split(whereSeparator: \.isWhitespace).first
                if let present, present != option.value {
                    log.warning(
                        "ip_vs is loaded with \(option.name)=\(present): \(option.value) needs it unloaded first"
                    )
                }
            }
            return
        }
        let words = ["/sbin/modprobe", "ip_vs"] + settings.moduleOptions.map { "\($0.name)=\($0.value)" }
        do {
            let outcome = try ChildProcess.run(words, timeout: .seconds(20))
            guard outcome.status.isSuccess else {
                throw OCFError(.installed, "\(words.joined(separator: " ")): \(outcome.errorText)")
            }
        } catch let error as OCFError {
            throw error
        } catch {
            throw OCFError(.installed, "\(error)")
        }
    }
}
