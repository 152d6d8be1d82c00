// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

/// Reads the configuration file.
public enum ConfigurationLoader {
    /// Loads a file.
    ///
    /// - Parameter path: The file; nil is the default one, which need not exist.
    /// - Returns: The configuration.
    /// - Throws: ``ConfigurationErrors`` that name the place of everything wrong.
    public static func load(_ path: String?) throws(ConfigurationErrors) -> HeartbeatConfiguration {
        let file = path ?? HeartbeatConfiguration.defaultPath
        let text: String
        do throws(SystemError) {
            text = try TextFile.read(file, limit: 1 << 20)
        } catch {
            if path == nil, error.code == ENOENT {
                return HeartbeatConfiguration()
            }
            let problem = ConfigurationDiagnostic(
                file: file,
                line: 0,
                column: 1,
                message: "cannot read it: \(error.reason)",
                source: ""
            )
            throw ConfigurationErrors(diagnostics: [problem])
        }
        return try ConfigurationParser.parse(text, file: file)
    }
}
