// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Runs a system call that answers -1 on failure, again while a signal interrupts it (EINTR).
///
/// - Parameters:
///   - operation: The call's C name, for the error.
///   - subject: What it is tried on, for the error.
///   - body: The call; it must leave errno as the C function did.
/// - Returns: What the call returned, never -1.
/// - Throws: ``SystemError`` with the errno of the call.
@discardableResult
public func systemCall<Result: FixedWidthInteger & SignedInteger>(
    _ operation: String,
    _ subject: @autoclosure () -> String = "",
    _ body: () -> Result
) throws(SystemError) -> Result {
    while true {
        let result = body()
        if result != -1 {
            return result
        }
        let code = errno
        if code != EINTR {
            throw SystemError(operation: operation, subject: subject(), code: code)
        }
    }
}
