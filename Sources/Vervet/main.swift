// SPDX-License-Identifier: Apache-2.0
import Glibc

exit(VervetProgram.run(Array(CommandLine.arguments.dropFirst())))
