// SPDX-License-Identifier: Apache-2.0
import Glibc
import HealthChecks
public import LDirectorConfig
public import LinuxKit

/// A configuration file: where it is, and what reading it gave.
public struct ConfigurationFile: Sendable {
    /// The resolved absolute path.
    public let path: String

    /// Directories that are searched before the name is taken as it is.
    private static let directories = ["/etc/ha.d/", "/etc/ha.d/conf/"]

    /// Longest file that is read.
    private static let limit = 16 << 20

    /// Finds a file: in /etc/ha.d, in /etc/ha.d/conf, then the name as given; nil when none is a regular file.
    public init?(searching name: String) {
        let found = (Self.directories.map { $0 + name } + [name]).first { candidate in
            var info = stat()
            return stat(candidate, &info) == 0 && info.st_mode & S_IFMT == S_IFREG
        }
        guard let found, let resolved = realpath(found, nil) else {
            return nil
        }
        path = String(cString: resolved)
        free(resolved)
    }

    /// Names a file that need not exist yet, for judging bytes that are to become it.
    public init(at path: String) { self.path = path }

    /// Everything that reading the file gave.
    public struct Reading: Sendable {
        /// The bytes.
        public let content: [UInt8]
        /// The configuration, or nil when there are errors.
        public let configuration: Configuration?
        /// All findings as text for an operator, with the line and a caret.
        public let report: String
        /// All findings as one line each, for a log.
        public let summaries: [String]
    }

    /// The bytes of the file.
    ///
    /// - Throws: ``SystemError``.
    public func load() throws(SystemError) -> [UInt8] { try FileContent.load(path, limit: Self.limit) }

    /// Reads and validates the file, also what only the checks can judge.
    ///
    /// - Throws: ``SystemError`` when the file cannot be read.
    public func read() throws(SystemError) -> Reading { evaluate(try load()) }

    /// Validates bytes as this file.
    public func evaluate(_ content: [UInt8]) -> Reading {
        var result = ConfigurationParser(environment: Self.environment).parse(content, file: path)
        if let configuration = result.configuration {
            result.diagnostics += Self.unsupported(configuration, content, path)
            result.diagnostics += Self.missingDirectory(configuration, content, path)
            if configuration.virtualServers.isEmpty, configuration.daemon.childConfigurations.isEmpty {
                let place = SourceSpan(file: path, line: 1, column: 1, length: 0)
                result.diagnostics.append(
                    Diagnostic(
                        .noEffect,
                        .warning,
                        at: place,
                        "this file has no virtual server: nothing will be directed"
                    )
                )
            }
            if !result.errors.isEmpty {
                result.configuration = nil
            }
        }
        return Reading(
            content: content,
            configuration: result.configuration,
            report: DiagnosticRenderer(source: content).render(result.diagnostics),
            summaries: result.diagnostics.map(DiagnosticRenderer.summary)
        )
    }

    private static var environment: ConfigurationEnvironment {
        ConfigurationEnvironment(resolver: SystemNameResolver(), directorName: directorName) { source in
            do throws(Pattern.SyntaxError) {
                _ = try Pattern(source)
                return nil
            } catch {
                return PatternError(reason: error.description, offset: error.offset)
            }
        }
    }

    /// Environment HOSTNAME, else the node name, as the Perl program chose it.
    private static var directorName: String {
        if let name = getenv("HOSTNAME") {
            return String(cString: name)
        }
        var buffer = [CChar](repeating: 0, count: 256)
        return gethostname(&buffer, buffer.count - 1) == 0 ? String(nulTerminated: buffer) : "localhost"
    }

    /// A maintenance directory that is none: nobody can be taken out by files in it until somebody makes it.
    private static func missingDirectory(
        _ configuration: Configuration,
        _ content: [UInt8],
        _ path: String
    ) -> [Diagnostic] {
        var info = stat()
        guard let directory = configuration.daemon.maintenanceDirectory,
            stat(directory, &info) != 0 || info.st_mode & S_IFMT != S_IFDIR
        else {
            return []
        }
        let word = Array("maintenancedir".utf8)
        let lines = content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let line = lines.lastIndex { $0.starts(with: word) } ?? 0
        let place = SourceSpan(file: path, line: line + 1, column: 1, length: word.count)
        return [
            Diagnostic(.noEffect, .warning, at: place, "'\(directory)' is not a directory; make it when you need it")
        ]
    }

    private static func unsupported(_ configuration: Configuration, _ content: [UInt8], _ path: String) -> [Diagnostic]
    {
        // The model keeps the order of the file, so the n-th virtual server stands on the n-th line that opens a block.
        let lines = content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let openings = lines.indices.filter { lines[$0].starts(with: Array("virtual".utf8)) }
        var problems: [Diagnostic] = []
        for (index, virtual) in configuration.virtualServers.enumerated() {
            let line = openings.indices.contains(index) ? openings[index] : 0
            let place = SourceSpan(file: path, line: line + 1, column: 1, length: lines[line].count)
            var seen: Set<String> = []
            for real in virtual.realServers {
                do throws(CheckPlanner.Unsupported) {
                    _ = try CheckPlanner.policy(of: real, in: virtual)
                } catch {
                    if seen.insert(error.description).inserted {
                        problems.append(Diagnostic(.unsupported, .error, at: place, error.description))
                    }
                }
            }
        }
        return problems
    }
}
