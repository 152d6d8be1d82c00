// SPDX-License-Identifier: Apache-2.0
import Glibc
import OCFAgents

exit(AgentProgram.run(CommandLine.arguments))
