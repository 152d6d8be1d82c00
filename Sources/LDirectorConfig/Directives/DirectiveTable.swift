// SPDX-License-Identifier: Apache-2.0

/// All directives of `ldirectord.cf`: parser, help text and renderer read this one table.
public enum DirectiveTable {
    private static let seconds = ValueGrammar.seconds(
        allowsZero: false,
        allowsFraction: true,
        maximum: Int(Int32.max)
    )

    private static let secondsOrZero = ValueGrammar.seconds(
        allowsZero: true,
        allowsFraction: true,
        maximum: Int(Int32.max)
    )

    /// The directives in the order of the documentation.
    public static let all: [Directive] = servers + checks + conditions + table + lifeCycle + reports + compatibility

    private static let byWord = Dictionary(uniqueKeysWithValues: all.map { ($0.name.rawValue, $0) })

    /// The directive of this name; nil when there is none.
    public static func directive(named word: String) -> Directive? { byWord[word] }

    /// The names to suggest for an unknown word: those that are legal in its place first.
    static func suggestions(in scope: LogicalLine.Scope) -> [String] {
        switch scope {
        case .global: globalFirst
        case .block: blockFirst
        }
    }

    private static let globalFirst = names { $0.scope.allows(.global) } + names { !$0.scope.allows(.global) }
    private static let blockFirst = names { $0.scope.allows(.block) } + names { !$0.scope.allows(.block) }

    private static func names(where isWanted: (Directive) -> Bool) -> [String] {
        all.filter(isWanted).map(\.name.rawValue)
    }

    private static let servers = [
        Directive(.virtual, .global, .virtualAddress, "Starts the block of an IPv4 service or firewall mark."),
        Directive(.virtual6, .global, .virtualAddress, "Starts the block of an IPv6 service or firewall mark."),
        Directive(.real, .block, .realServer, "Adds a real server, or a range of them; port default 0, weight 1."),
        Directive(.real6, .block, .realServer, "Adds a real server to a virtual6 block."),
        Directive(.fallback, .both, .fallback, "The server used while no real server is up; forward default gate."),
        Directive(.fallback6, .both, .fallback, "The same for IPv6."),
    ]

    private static let checks = [
        Directive(.checktype, .block, .checkType, default: "negotiate", "The kind of check."),
        Directive(
            .service,
            .block,
            .word(CheckService.allCases.map(\.rawValue)),
            default: "by port",
            "The application protocol of negotiate checks."
        ),
        Directive(.request, .block, .text(.expected), default: "\"/\"", "What a negotiate check asks for."),
        Directive(.receive, .block, .pattern, "What the answer must contain."),
        Directive(
            .httpmethod,
            .block,
            .anyCaseWord(HTTPMethod.allCases.map(\.rawValue)),
            default: "GET",
            "The method of http and https checks."
        ),
        Directive(.virtualhost, .block, .text(.optional), "The Host header of http and https checks."),
        Directive(.login, .block, .text(.required), "User name of the check."),
        Directive(.passwd, .block, .text(.required), "Password of the check."),
        Directive(.database, .block, .text(.required), "Database of the check."),
        Directive(.secret, .block, .text(.required), "Shared secret of radius checks."),
        Directive(.checkport, .block, .port, default: "the real server's", "The port that checks go to."),
        Directive(
            .checkcommand,
            .block,
            .text(.optional),
            default: "/bin/true",
            "The program of external and external-perl checks."
        ),
        Directive(.checktimeout, .both, seconds, default: "5", "Limit of a connect, ping or external check."),
        Directive(.negotiatetimeout, .both, seconds, default: "30", "Limit of a negotiate check."),
        Directive(.checkinterval, .both, seconds, default: "10", "Time between two checks of a server."),
        Directive(.checkcount, .both, .count, default: "1", "Echo requests of a ping check; deprecated."),
        Directive(.failurecount, .both, .count, default: "1", "Consecutive failures that take a server down."),
        Directive(
            .idlecheck,
            .both,
            .flag,
            default: "no",
            "Holds a connection to each server and checks at once when it breaks.",
            isExtension: true
        ),
        Directive(.checksource, .both, .address, "The address that checks come from.", isExtension: true),
        Directive(.checkinterface, .both, .interface, "The interface that checks go out by.", isExtension: true),
        Directive(
            .dynamicweight,
            .both,
            .weight,
            default: "0",
            "The largest weight that an external check may print as weight=N; 0 is off.",
            isExtension: true
        ),
    ]

    private static let table = [
        Directive(
            .protocol,
            .block,
            .word(["tcp", "udp", "sctp", "fwm"]),
            default: "tcp",
            "The protocol of the service."
        ),
        Directive(.scheduler, .block, .schedulerName, default: "wrr", "The kernel's scheduler."),
        Directive(
            .persistent,
            .block,
            .seconds(allowsZero: false, allowsFraction: false, maximum: 86_400 * 31),
            "Clients stay on their server for this long."
        ),
        Directive(.netmask, .block, .netmask, default: "one host", "Clients that persistence takes for one."),
        Directive(.schedflags, .block, .flagList, "Flags of the scheduler."),
        Directive(.ops, .block, .flag, default: "no", "Schedules every packet of a udp service by itself."),
    ]

    private static let lifeCycle = [
        Directive(.quiescent, .both, .flag, default: "no", "A failed server stays in the table with weight 0."),
        Directive(.readdquiescent, .both, .flag, default: "no", "A missing down server is added with weight 0."),
        Directive(.cleanstop, .both, .flag, default: "yes", "The service leaves the table when the daemon stops."),
        Directive(.fallbackcommand, .both, .text(.optional), "Command told when the fallback is needed or not."),
        Directive(
            .fallbackcommandonstop,
            .both,
            .flag,
            default: "no",
            "An orderly stop tells fallbackcommand stop if it was told start.",
            isExtension: true
        ),
        Directive(
            .risecount,
            .both,
            .count,
            default: "1",
            "Consecutive successes that bring back a server that failed.",
            isExtension: true
        ),
        Directive(
            .warmup,
            .both,
            secondsOrZero,
            default: "0",
            "Time for which a recovered server is not used yet, unless no other is up.",
            isExtension: true
        ),
        Directive(
            .depoolthreshold,
            .both,
            .percent,
            default: "100",
            "The largest share of the servers that checks may take out.",
            isExtension: true
        ),
        Directive(
            .drainlimit,
            .both,
            secondsOrZero,
            default: "0",
            "Time after which a drained server leaves the table; 0 keeps it there with weight 0.",
            isExtension: true
        ),
        Directive(
            .reconcile,
            .both,
            .word(LifeCycleSettings.Reconciliation.allCases.map(\.rawValue)),
            default: "off",
            "What is done about changes of the table by others.",
            isExtension: true
        ),
        Directive(.maintenancedir, .global, .text(.verbatim), "Directory of files that take servers out."),
        Directive(.autoreload, .global, .flag, default: "no", "Reload when the file has changed."),
        Directive(
            .resolve,
            .global,
            .word(["once", "periodic"]),
            default: "once",
            "Whether host names are looked up again while the daemon runs.",
            isExtension: true
        ),
        Directive(.callback, .global, .text(.expected), "Program run with the file's path when it has changed."),
        Directive(.execute, .global, .text(.verbatim), "A further configuration to run; may be repeated."),
        Directive(.supervised, .global, .flagOrAlone, default: "no", "Stay in the foreground."),
        Directive(.fork, .global, .flag, default: "no", "Accepted for old files; checks always run side by side."),
    ]

    private static let reports = [
        Directive(
            .logfile,
            .global,
            .text(.expected),
            default: "\"/var/log/ldirectord.log\"",
            "A file, or a syslog facility."
        ),
        Directive(.monitorfile, .block, .text(.optional), "Log of the checks of this block."),
        Directive(.emailalert, .both, .mailAddresses, "Who gets mail about transitions."),
        Directive(
            .emailalertfreq,
            .both,
            .seconds(allowsZero: true, allowsFraction: false, maximum: Int(Int32.max)),
            default: "0",
            "Time between reminders while a server is down."
        ),
        Directive(.emailalertstatus, .both, .phases, default: "all", "When a transition is worth a mail."),
        Directive(.emailalertfrom, .both, .text(.verbatim), "The From header of mails."),
        Directive(.smtp, .both, .host, default: "the local mailer", "The host that takes mails."),
        Directive(.metrics, .global, .endpoint, "Where figures for Prometheus can be fetched.", isExtension: true),
        Directive(.servicename, .block, .text(.verbatim), "Name of the service in mails."),
        Directive(.comment, .block, .text(.verbatim), "Text in mails."),
    ]

    private static let compatibility = [
        Directive(
            .compat,
            .global,
            .word(["legacy", "extended"]),
            default: "extended",
            "With legacy, refuse whatever the Perl program would refuse."
        ),
        Directive(.load, .block, .text(.required), "Accepted for old files; nothing uses it."),
        Directive(.connecttimeout, .both, .obsolete(successor: .checktimeout), "Replaced by checktimeout."),
        Directive(.timeout, .both, .obsolete(successor: .checktimeout), "Replaced by checktimeout."),
    ]
}
