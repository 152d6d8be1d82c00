// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LDirectorCore

// A file that is read on a thread would else be built in a pool of its own, given back and faulted in each time: a reload of
// 10 000 servers took three times as long.
_ = vervet_use_one_memory_pool()
exit(Command.run(Array(CommandLine.arguments.dropFirst())).rawValue)
