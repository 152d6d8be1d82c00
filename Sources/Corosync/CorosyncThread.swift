// SPDX-License-Identifier: Apache-2.0
// Only so that the thread types of sys/types.h are visible, which the module map attributes to the first includer.
import CCorosync
import CLinuxShims
import Glibc

/// Starts the threads on which Corosync's libraries may be called.
///
/// Their dispatch functions keep more than 1 MiB on the stack, so neither Swift's executors nor pthread defaults of
/// small systems will do: every thread gets 8 MiB (address space; memory is used only as it is touched).
public enum CorosyncThread {
    private static let stackSize = 8 << 20

    /// Starts a detached thread.
    ///
    /// - Parameters:
    ///   - name: What it is called, at most 15 bytes; for people who look at threads.
    ///   - body: What it does; the thread ends with it.
    /// - Returns: 0, or the error number of pthread_create(3).
    @discardableResult
    public static func start(_ name: String, _ body: @escaping @Sendable () -> Void) -> CInt {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, stackSize)
        pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let work = Unmanaged.passRetained(Work(name, body))
        let code = pthread_create(
            &thread,
            &attributes,
            { context in
                if let context {
                    Unmanaged<Work>.fromOpaque(context).takeRetainedValue().run()
                }
                return nil
            },
            work.toOpaque()
        )
        if code != 0 {
            work.release()
        }
        return code
    }
}

private final class Work: Sendable {
    private let name: String
    private let body: @Sendable () -> Void

    init(_ name: String, _ body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }

    func run() {
        // Without a name the thread works just as well.
        _ = vervet_set_thread_name(name)
        body()
    }
}
