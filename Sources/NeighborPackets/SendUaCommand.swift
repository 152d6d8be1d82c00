// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// The command line of `send_ua`, the historic sender of unsolicited neighbour advertisements.
public struct SendUaCommand: Sendable, Equatable {
    /// Why a command line is wrong: one line.
    public struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
        /// What is wrong.
        public let description: String
    }

    /// The usage text.
    public static let usage = """
        usage: send_ua [-i milliseconds] [-c count] [-p pidfile] address[/prefix] prefix device
          -c count        how often to advertise (default 5)
          -i ms           time between two advertisements (default 1000)
          -p pidfile      absolute path; holds pid and start time while advertisements are sent
        """

    /// The IPv6 address to advertise.
    public var address: IPAddress
    /// The device to send on.
    public var device: String
    /// How many advertisements; 0 sends nothing.
    public var count: Int
    /// Time between two of them.
    public var interval: Duration
    /// The pid file; nil for none.
    public var pidFile: String?

    /// Reads the words behind the program's name.
    ///
    /// - Throws: ``Failure`` saying what is wrong.
    public init(_ arguments: [String]) throws(Failure) {
        let options: ShortOptions
        do {
            options = try ShortOptions(arguments, letters: "i:c:p:")
        } catch {
            throw Failure(description: error.description)
        }
        guard options.operands.count >= 3 else {
            throw Failure(description: "\(options.operands.count) operands instead of 3")
        }
        let word = options.operands[0].prefix { $0 != "/" }
        guard let address = IPAddress(String(word)), address.family == .ipv6 else {
            throw Failure(description: "\"\(word)\" is not an IPv6 address")
        }
        guard let prefix = UInt8(options.operands[1]), prefix <= 128 else {
            throw Failure(description: "\"\(options.operands[1])\" is not a prefix length")
        }
        guard let count = Int(options.values["c"] ?? "5"), (0...1_000_000).contains(count) else {
            throw Failure(description: "-c \"\(options.values["c"] ?? "")\" is not a number from 0 to 1000000")
        }
        guard let interval = Int(options.values["i"] ?? "1000"), (1...3_600_000).contains(interval) else {
            throw Failure(description: "-i \"\(options.values["i"] ?? "")\" is not a number from 1 to 3600000")
        }
        self.address = address
        device = options.operands[2]
        self.count = count
        self.interval = .milliseconds(interval)
        pidFile = options.values["p"]
        if let pidFile, !pidFile.hasPrefix("/") {
            throw Failure(description: "pid file \"\(pidFile)\" is not an absolute path")
        }
    }
}
