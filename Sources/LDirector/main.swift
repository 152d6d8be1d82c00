// SPDX-License-Identifier: Apache-2.0
import Glibc
import LDirectorCore

exit(Command.run(Array(CommandLine.arguments.dropFirst())).rawValue)
