// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
public import LinuxKit

/// A program that runs beside the event loop in its own process group, with a bounded run time.
public final class CommandRun {
    /// How the run ended.
    public enum End: Equatable, Sendable {
        case status(ChildProcess.Status)
        /// The time was over; the process group was ended with TERM, and with KILL a second later.
        case timedOut
    }

    private let loop: EventLoop
    private let child: ChildProcess
    private let handle: OwnedDescriptor
    private var completion: ((End) -> Void)?
    private var timer: EventLoop.TimerID?
    private var isOver = false
    private let outputLimit: Int
    private let pipe: OutputPipe?

    /// What the program printed so far, up to the limit that was asked for.
    public private(set) var output: [UInt8] = []

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - arguments: The program's absolute path, then its arguments.
    ///   - environment: `NAME=value` strings; nil passes on our own environment.
    ///   - timeout: The longest time it may run.
    ///   - loop: The loop that waits for its end.
    ///   - standardInput: A descriptor that it reads from; nil is /dev/null.
    ///   - outputLimit: So many bytes that it prints are kept; 0 sends all to /dev/null.
    ///   - completion: Called once, when the program ended or its time was over.
    /// - Throws: ``SystemError`` when the program cannot be started.
    public init(
        _ arguments: [String],
        environment: [String]? = nil,
        timeout: Duration,
        on loop: EventLoop,
        standardInput: CInt? = nil,
        outputLimit: Int = 0,
        _ completion: @escaping (End) -> Void
    ) throws(SystemError) {
        self.loop = loop
        self.completion = completion
        self.outputLimit = outputLimit
        let pipe = outputLimit > 0 ? try OutputPipe() : nil
        self.pipe = pipe
        let child = try ChildProcess.start(
            arguments,
            environment: environment,
            standardStreams: (standardInput, pipe?.writer, nil)
        )
        pipe?.closeWriter()
        self.child = child
        handle = OwnedDescriptor(owning: try systemCall("pidfd_open") { vervet_pidfd_open(child.pid) })
        // The loop keeps the run alive until the child is reaped, so no zombie stays whoever lets go of it.
        try loop.watch(handle.raw, for: .readable) { [self] _ in exited() }
        if let pipe {
            try loop.watch(pipe.reader.raw, for: .readable) { [weak self] _ in self?.readOutput() }
        }
        timer = loop.after(timeout) { [weak self] in self?.expired() }
    }

    deinit { stopReading() }

    /// Ends the program; its completion is not called any more.
    public func abandon() {
        completion = nil
        terminate()
    }

    private func expired() {
        report(.timedOut)
        terminate()
    }

    private func terminate() {
        guard !isOver else {
            return
        }
        cancelTimer()
        // ESRCH: it ended in this moment, and the loop will tell.
        _ = kill(-child.pid, SIGTERM)
        timer = loop.after(.seconds(1)) { [weak self] in
            if let self, !self.isOver {
                _ = kill(-self.child.pid, SIGKILL)
            }
        }
    }

    private func exited() {
        loop.unwatch(handle.raw)
        isOver = true
        // What it left in the pipe; its children may hold the other end for as long as they like.
        readOutput()
        stopReading()
        cancelTimer()
        do {
            if let status = try child.wait(until: Deadline(after: .zero)) {
                report(.status(status))
            }
        } catch {
            // Somebody else reaped it (SIGCHLD ignored by a parent's setting): it ended, but how is not known.
            report(.status(.exited(-1)))
        }
    }

    /// Takes what there is, and drops what is beyond the limit: the program must not wait for us.
    private func readOutput() {
        guard let pipe, !pipe.isAtEnd else {
            return
        }
        let bytes = pipe.read()
        output += bytes.prefix(outputLimit - output.count)
        if pipe.isAtEnd {
            stopReading()
        }
    }

    private func stopReading() {
        if let pipe {
            loop.unwatch(pipe.reader.raw)
        }
    }

    private func report(_ end: End) {
        let report = completion
        completion = nil
        report?(end)
    }

    private func cancelTimer() {
        if let timer {
            loop.cancel(timer)
        }
        timer = nil
    }
}
