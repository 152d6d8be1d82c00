// SPDX-License-Identifier: Apache-2.0

/// The words of the command line: options, then the configuration, then the action.
public struct CommandLineArguments: Equatable, Sendable {
    /// What to do.
    public enum Action: String, Sendable, CaseIterable {
        case start
        case stop
        case restart
        case tryRestart = "try-restart"
        case reload
        case forceReload = "force-reload"
        case status
        case checkConfig = "check-config"
        case check

        /// Whether it needs nothing but the file, whose name may then follow the word.
        var readsOnly: Bool { self == .check || self == .checkConfig }
    }

    /// What the words ask for.
    public enum Request: Equatable, Sendable {
        case help
        case version
        case perform(Action)
        /// An order about single servers, see ``OperatorRequest``.
        case order(String)
    }

    /// What is asked for.
    public var request: Request

    /// Stay in the foreground and write events to standard error.
    public var isDebug = false

    /// Stay in the foreground and log as configured, for a service manager.
    public var isForeground = false

    /// Do not stay in the foreground even when the configuration says `supervised`.
    public var isBackground = false

    /// Another path for the pid file.
    public var pidFile: String?

    /// Do not wait for the end of a daemon that was told to stop.
    public var doesNotWait = false

    /// `status` as JSON.
    public var asJSON = false

    /// The configuration as given, or the default.
    public var configuration = "ldirectord.cf"

    /// The instance: `ldirectord` without a configuration argument, else its last path component with the suffix.
    public var instance = "ldirectord"

    /// A command line that asks for nothing known; the usage text is the answer.
    public struct UsageError: Error, Equatable, Sendable {
        /// What is wrong.
        public let description: String
    }

    /// The usage text.
    public static let usage = """
        Usage: ldirectord [OPTIONS] [CONFIGURATION] ACTION
        Checks real servers and keeps the kernel's IPVS table of virtual services.

          CONFIGURATION   searched in /etc/ha.d, /etc/ha.d/conf, then as given; default ldirectord.cf
          ACTION          start, stop [--no-wait], restart, try-restart, reload, force-reload, status [--json],
                          check-config: print the configuration as understood, or its errors; check: check every real
                          server once and touch nothing (both also as: check-config CONFIGURATION); or an ORDER
        \(ordersUsage)

          -d, --debug     stay in the foreground, events and checks to standard error
          --foreground    stay in the foreground, log as configured, tell systemd when ready (Type=notify)
          --background    leave the foreground also with supervised=yes, for the cluster manager
          --pidfile FILE  instead of /var/run/ldirectord.INSTANCE.pid
          -h, --help      this text
          -v, --version   the version

        Exit status: 0 done (status: running; check: all up); 1 failed (status: dead, but the pid file remains); 2 the configuration has
        errors; 3 status: not running; 255 this usage.

        """

    /// Reads the words after the program's name.
    ///
    /// - Throws: ``UsageError``.
    public init(_ words: [String]) throws(UsageError) {
        request = .help
        var rest = words[...]
        while let word = rest.first, word.hasPrefix("-"), word != "-" {
            rest = rest.dropFirst()
            if word == "--" {
                break
            }
            if word == "--pidfile" {
                guard let path = rest.popFirst() else {
                    throw UsageError(description: "--pidfile needs a path")
                }
                try takePidFile(path)
            } else if let answer = try takeOption(word) {
                request = answer
                return
            }
        }
        let options = rest.filter { $0.hasPrefix("--") }
        var operands = rest.filter { !$0.hasPrefix("--") }
        if let word = operands.first, operands.count > 1, Action(rawValue: word)?.readsOnly == true {
            operands.swapAt(operands.startIndex, operands.startIndex + 1)
        }
        let order = try Self.order(operands)
        if let name = order == nil ? operands.count > 1 ? operands.first : nil : order?.configuration {
            configuration = name
            instance = String(name[(name.lastIndex(of: "/").map(name.index(after:)) ?? name.startIndex)...])
            operands = Array(operands.dropFirst())
        }
        if let order, options.isEmpty {
            request = .order(order.text)
            return
        }
        guard let word = operands.first else {
            throw UsageError(description: "an action is missing")
        }
        guard let action = Action(rawValue: word) else {
            let isFile = word.contains("/") || word.hasSuffix(".cf")
            throw UsageError(description: isFile ? "an action is missing after \(word)" : "unknown action \"\(word)\"")
        }
        for option in options {
            switch (option, action) {
            case ("--no-wait", .stop), ("--no-wait", .restart), ("--no-wait", .tryRestart): doesNotWait = true
            case ("--json", .status), ("--json", .checkConfig): asJSON = true
            default: throw UsageError(description: "option \(option) does not fit action \(word)")
            }
        }
        request = .perform(action)
    }

    private mutating func takePidFile(_ path: String) throws(UsageError) {
        guard path.hasPrefix("/"), !path.hasSuffix("/") else {
            throw UsageError(description: "--pidfile needs an absolute path, not \"\(path)\"")
        }
        pidFile = path
    }

    /// Takes an option word; the answer when it asks for nothing else.
    private mutating func takeOption(_ word: String) throws(UsageError) -> Request? {
        switch word {
        case "--debug": isDebug = true
        case "--foreground": isForeground = true
        case "--background": isBackground = true
        case "--help": return .help
        case "--version": return .version
        case _ where word.hasPrefix("--pidfile="): try takePidFile(String(word.dropFirst("--pidfile=".count)))
        case _ where word.hasPrefix("--"): throw UsageError(description: "unknown option \(word)")
        default:
            for letter in word.dropFirst() {
                switch letter {
                case "d": isDebug = true
                case "h", "?": return .help
                case "v": return .version
                default: throw UsageError(description: "unknown option -\(letter)")
                }
            }
        }
        return nil
    }
}
