// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc

/// Signals as events of the loop (signalfd(2)).
public final class SignalReader {
    /// The signals that end a daemon in good order, with their names; a fault of the program itself still ends it at once.
    public static let stops: KeyValuePairs<CInt, String> = [
        SIGTERM: "TERM", SIGINT: "INT", SIGQUIT: "QUIT", SIGILL: "ILL", SIGABRT: "ABRT", SIGFPE: "FPE", SIGSEGV: "SEGV",
        SIGBUS: "BUS", SIGSYS: "SYS", SIGXCPU: "XCPU", SIGXFSZ: "XFSZ",
    ]

    private let descriptor: OwnedDescriptor
    private let loop: EventLoop

    /// Blocks the usual delivery of these signals and reports them on the loop instead; a broken pipe is ignored.
    ///
    /// - Throws: ``SystemError`` of signalfd(2).
    public init(_ signals: [CInt], on loop: EventLoop, _ handler: @escaping (CInt) -> Void) throws(SystemError) {
        try Self.hold(signals)
        var set = Self.set(signals)
        let flags = CInt(SFD_CLOEXEC | SFD_NONBLOCK)
        descriptor = OwnedDescriptor(owning: try systemCall("signalfd") { signalfd(-1, &set, flags) })
        self.loop = loop
        let fd = descriptor.raw
        try loop.watch(fd, for: .readable) { _ in
            var info = signalfd_siginfo()
            while read(fd, &info, MemoryLayout<signalfd_siginfo>.size) == MemoryLayout<signalfd_siginfo>.size {
                let signal = CInt(info.ssi_signo)
                // The kernel sends this one in our name when a file would grow too long; the write fails, which is told there.
                if signal != SIGXFSZ || info.ssi_pid != UInt32(getpid()) {
                    handler(signal)
                }
            }
        }
    }

    /// Blocks these signals until a reader takes them, so that none ends a program that is still starting.
    ///
    /// - Throws: ``SystemError`` of sigprocmask(2).
    public static func hold(_ signals: [CInt]) throws(SystemError) {
        var set = Self.set(signals)
        signal(SIGPIPE, SIG_IGN)
        try systemCall("sigprocmask") { sigprocmask(SIG_BLOCK, &set, nil) }
    }

    private static func set(_ signals: [CInt]) -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals {
            sigaddset(&set, signal)
        }
        return set
    }

    deinit { loop.unwatch(descriptor.raw) }
}
