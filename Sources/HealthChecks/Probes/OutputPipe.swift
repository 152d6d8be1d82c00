// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit

/// A pipe that a program prints into; reading never waits.
final class OutputPipe {
    /// Our end.
    let reader: OwnedDescriptor

    /// The program's end; closed here once the program has it.
    private(set) var writer: CInt

    /// Whether nobody can write any more, and everything was read.
    private(set) var isAtEnd = false

    /// - Throws: ``SystemError`` of pipe2(2).
    init() throws(SystemError) {
        var ends: [CInt] = [-1, -1]
        try systemCall("pipe2") { vervet_pipe(&ends) }
        reader = OwnedDescriptor(owning: ends[0])
        writer = ends[1]
    }

    deinit { closeWriter() }

    func closeWriter() {
        if writer >= 0 {
            // Nothing can be done about a failing close of a pipe.
            _ = close(writer)
            writer = -1
        }
    }

    /// What is there now, one portion at most.
    func read() -> [UInt8] {
        var isEnd = false
        let bytes = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, filled in
            let count = Glibc.read(reader.raw, buffer.baseAddress, 4096)
            isEnd = count == 0
            filled = max(0, count)
        }
        isAtEnd = isEnd
        return bytes
    }
}
