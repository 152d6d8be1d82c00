// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import Synchronization

/// Work that may block (a name lookup) on a thread of its own, with its result delivered on the event loop.
public enum BackgroundWork {
    /// Starts the work.
    ///
    /// - Parameters:
    ///   - loop: The loop that the result is delivered on; it must go on running.
    ///   - body: What blocks; there is no way to stop it.
    ///   - completion: Called once on the loop.
    /// - Throws: ``SystemError`` when there is no descriptor or no thread for it.
    public static func start<Value: Sendable>(
        on loop: EventLoop,
        _ body: @escaping @Sendable () -> Value,
        completion: @escaping (Value) -> Void
    ) throws(SystemError) {
        let flags = CInt(EFD_CLOEXEC) | CInt(EFD_NONBLOCK)
        let task = Task(body, signal: OwnedDescriptor(owning: try systemCall("eventfd") { eventfd(0, flags) }))
        let descriptor = task.signal.raw
        try loop.watch(descriptor, for: .readable) { _ in
            if let value = task.result.withLock({ $0 }) {
                loop.unwatch(descriptor)
                completion(value)
            }
        }
        do {
            try run(task)
        } catch {
            loop.unwatch(descriptor)
            throw error
        }
    }

    private static func run(_ task: any BackgroundTask) throws(SystemError) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let context = Unmanaged.passRetained(Box(task))
        let code = pthread_create(
            &thread,
            &attributes,
            { context in
                if let context {
                    Unmanaged<Box>.fromOpaque(context).takeRetainedValue().task.run()
                }
                return nil
            },
            context.toOpaque()
        )
        guard code == 0 else {
            context.release()
            throw SystemError(operation: "pthread_create", code: code)
        }
    }
}

private protocol BackgroundTask: Sendable {
    func run()
}

private final class Box: Sendable {
    let task: any BackgroundTask

    init(_ task: any BackgroundTask) { self.task = task }
}

private final class Task<Value: Sendable>: BackgroundTask {
    let result = Mutex<Value?>(nil)
    let signal: OwnedDescriptor
    private let body: @Sendable () -> Value

    init(_ body: @escaping @Sendable () -> Value, signal: consuming OwnedDescriptor) {
        self.body = body
        self.signal = signal
    }

    func run() {
        let value = body()
        result.withLock { $0 = value }
        var one: UInt64 = 1
        // Cannot fail: the counter of an event descriptor takes far more than one.
        _ = write(signal.raw, &one, MemoryLayout<UInt64>.size)
    }
}
