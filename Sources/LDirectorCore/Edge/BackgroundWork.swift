// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit
import Synchronization

/// Work that may block (a name lookup) on a thread of its own, with its result delivered on the event loop.
enum BackgroundWork {
    private final class Task<Value: Sendable>: Sendable {
        let result = Mutex<Value?>(nil)
        let signal: OwnedDescriptor

        init(signal: consuming OwnedDescriptor) { self.signal = signal }
    }

    /// Starts the work.
    ///
    /// - Parameters:
    ///   - loop: The loop that the result is delivered on; it must go on running.
    ///   - body: What blocks; there is no way to stop it.
    ///   - completion: Called once on the loop.
    /// - Throws: ``SystemError`` when there is no descriptor or no thread for it.
    static func start<Value: Sendable>(
        on loop: EventLoop,
        _ body: @escaping @Sendable () -> Value,
        completion: @escaping (Value) -> Void
    ) throws(SystemError) {
        let flags = CInt(EFD_CLOEXEC) | CInt(EFD_NONBLOCK)
        let task = Task<Value>(signal: OwnedDescriptor(owning: try systemCall("eventfd") { eventfd(0, flags) }))
        let descriptor = task.signal.raw
        try loop.watch(descriptor, for: .readable) { _ in
            if let value = task.result.withLock({ $0 }) {
                loop.unwatch(descriptor)
                completion(value)
            }
        }
        let isRunning = BackgroundThread.start {
            let value = body()
            task.result.withLock { $0 = value }
            var one: UInt64 = 1
            // Cannot fail: the counter of an event descriptor takes far more than one.
            _ = write(task.signal.raw, &one, MemoryLayout<UInt64>.size)
        }
        guard isRunning else {
            loop.unwatch(descriptor)
            throw SystemError(operation: "pthread_create", code: EAGAIN)
        }
    }
}
