// SPDX-License-Identifier: Apache-2.0
import Glibc
import NeighborPackets

let words = CommandLine.arguments
let path = words.first ?? "send_arp"
let isAdvertiser = path.hasSuffix("send_ua")
let name = isAdvertiser ? "send_ua" : "send_arp"
let arguments = Array(words.dropFirst())

func report(_ text: String) { _ = write(2, text, text.utf8.count) }

if arguments.first == "-h" || arguments.first == "-?" {
    print(isAdvertiser ? SendUaCommand.usage : SendArpCommand.usage)
    exit(isAdvertiser ? 2 : 0)
}
do {
    isAdvertiser ? try SendUa.run(arguments) : try SendArp.run(arguments)
    exit(0)
} catch let failure as SendFailure {
    if !failure.text.isEmpty {
        report("\(name): \(failure.text)\n")
    }
    exit(failure.status)
} catch {
    report("\(name): \(error)\n")
    exit(isAdvertiser ? 1 : 2)
}
