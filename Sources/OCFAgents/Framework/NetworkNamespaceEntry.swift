// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit

/// A named network namespace (ip-netns(8)) that a parameter asks for.
struct NetworkNamespaceEntry {
    private let parameter: String
    private let name: String

    /// - Parameters:
    ///   - parameter: The parameter that names it, for messages.
    ///   - name: Its name; empty is the namespace of the process.
    init(_ parameter: String, _ name: String) {
        self.parameter = parameter
        self.name = name
    }

    /// Whether it is asked for and does not exist on this node.
    var isMissing: Bool { !name.isEmpty && !(isName && access(path, F_OK) == 0) }

    /// Whether the parameter is a file name and not a path, which could lead anywhere.
    private var isName: Bool { !name.contains("/") && ![".", ".."].contains(name) }

    private var path: String { "/run/netns/\(name)" }

    /// Moves the process, which has one thread, into it.
    ///
    /// - Throws: ``OCFError``: ``OCFExit/installed`` when there is no such namespace, ``OCFExit/permission``.
    func enter() throws(OCFError) {
        guard !name.isEmpty else {
            return
        }
        guard isName else {
            throw OCFError(.installed, "\(parameter)=\"\(name)\" is not a name")
        }
        do {
            let file = try OwnedDescriptor(opening: path, flags: O_RDONLY)
            let raw = file.raw
            try systemCall("setns", name) { vervet_setns_network(raw) }
        } catch {
            let code: OCFExit = error.code == EPERM ? .permission : .installed
            throw OCFError(code, "cannot enter network namespace \"\(name)\": \(error.reason)")
        }
    }
}
