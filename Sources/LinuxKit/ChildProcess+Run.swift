// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc

extension ChildProcess {
    /// What a finished program left.
    public struct Outcome: Sendable {
        /// How it ended.
        public let status: Status

        /// Whether it was ended because its time was over.
        public let timedOut: Bool

        /// Standard output, cut at the limit.
        public let output: [UInt8]

        /// Standard error, cut at the limit.
        public let errors: [UInt8]

        /// Standard output as text without white space at its ends; invalid UTF-8 is repaired.
        public var outputText: String { trimmed(output) }

        /// Standard error as text without white space at its ends; invalid UTF-8 is repaired.
        public var errorText: String { trimmed(errors) }

        private func trimmed(_ bytes: [UInt8]) -> String {
            let isBlank = { (byte: UInt8) in byte == 0x20 || (9...13).contains(byte) }
            let start = bytes.drop(while: isBlank)
            let end = start.lastIndex { !isBlank($0) }.map { $0 + 1 } ?? start.startIndex
            return String(decoding: start[..<end], as: UTF8.self)
        }
    }

    /// Runs a program to its end and collects what it prints; a daemon that it leaves behind is not waited for.
    ///
    /// - Parameters:
    ///   - arguments: The program's absolute path, then its arguments.
    ///   - environment: `NAME=value` strings; nil passes on our own environment.
    ///   - input: What the program reads from standard input, at most 64 KiB; nil is /dev/null.
    ///   - timeout: The longest time it may run; then its process group is ended, see ``end(grace:)``.
    ///   - limit: The most bytes kept of each stream; what is printed beyond it is read and dropped.
    /// - Returns: How it ended and what it printed.
    /// - Throws: ``SystemError`` when the program cannot be started, or `EFBIG` for an input that is too long.
    public static func run(
        _ arguments: [String],
        environment: [String]? = nil,
        input: [UInt8]? = nil,
        timeout: Duration,
        limit: Int = 65536
    ) throws(SystemError) -> Outcome {
        let output = try Pipe()
        let errors = try Pipe()
        let child: ChildProcess
        if let input {
            let source = try Pipe().filled(with: input)
            child = try start(
                arguments,
                environment: environment,
                standardStreams: (source.raw, output.writer.raw, errors.writer.raw)
            )
        } else {
            child = try start(
                arguments,
                environment: environment,
                standardStreams: (nil, output.writer.raw, errors.writer.raw)
            )
        }
        let outputReader = output.closeWriter()
        let errorReader = errors.closeWriter()
        let handle = OwnedDescriptor(owning: try systemCall("pidfd_open") { vervet_pidfd_open(child.pid) })
        let deadline = Deadline(after: timeout)
        var collected: (output: [UInt8], errors: [UInt8]) = ([], [])
        var pollers = [handle.raw, outputReader.raw, errorReader.raw].map {
            pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
        }
        while pollers[0].revents == 0, !deadline.hasPassed {
            try systemCall("poll") { poll(&pollers, nfds_t(pollers.count), deadline.pollMilliseconds) }
            if pollers[1].revents != 0, !drain(outputReader.raw, into: &collected.output, limit) {
                pollers[1].fd = -1
            }
            if pollers[2].revents != 0, !drain(errorReader.raw, into: &collected.errors, limit) {
                pollers[2].fd = -1
            }
        }
        let ended = try child.wait(until: Deadline(after: .zero))
        let status: Status
        if let ended {
            status = ended
        } else {
            status = try child.end()
        }
        _ = drain(outputReader.raw, into: &collected.output, limit)
        _ = drain(errorReader.raw, into: &collected.errors, limit)
        return Outcome(status: status, timedOut: ended == nil, output: collected.output, errors: collected.errors)
    }

    /// Reads what is there without waiting; false at the end of the stream.
    private static func drain(_ descriptor: CInt, into bytes: inout [UInt8], _ limit: Int) -> Bool {
        var chunk = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            guard count > 0 else {
                return count < 0 && (errno == EAGAIN || errno == EINTR)
            }
            bytes.append(contentsOf: chunk.prefix(min(count, max(0, limit - bytes.count))))
        }
    }
}

/// A pipe whose reading end does not block.
private struct Pipe: ~Copyable {
    let reader: OwnedDescriptor
    let writer: OwnedDescriptor

    init() throws(SystemError) {
        var ends: [CInt] = [-1, -1]
        try systemCall("pipe") { vervet_pipe(&ends) }
        reader = OwnedDescriptor(owning: ends[0])
        writer = OwnedDescriptor(owning: ends[1])
    }

    consuming func closeWriter() -> OwnedDescriptor { reader }

    /// Writes all of `bytes` and closes the writing end: a fresh pipe takes 64 KiB without a reader (pipe(7)).
    consuming func filled(with bytes: [UInt8]) throws(SystemError) -> OwnedDescriptor {
        guard bytes.count <= 65536 else {
            throw SystemError(operation: "write", subject: "standard input", code: EFBIG)
        }
        let descriptor = writer.raw
        try systemCall("write", "standard input") { write(descriptor, bytes, bytes.count) }
        return reader
    }
}
