// SPDX-License-Identifier: Apache-2.0

/// A small generator of random numbers with a printable seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// Writes random files that are mostly right.
struct FileGenerator {
    var random: SeededGenerator

    private mutating func pick(_ choices: [String]) -> String { choices.randomElement(using: &random) ?? "" }

    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    mutating func file() -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0..<6, using: &random) {
            text += globalLine() + pick(["\n", "\n", " # note\n", "\r\n", "\t\n"])
        }
        for index in 0..<Int.random(in: 0..<4, using: &random) {
            text += block(index)
        }
        return text
    }

    private mutating func globalLine() -> String {
        pick([
            "checktimeout=\(Int.random(in: 1..<99, using: &random))", "negotiatetimeout = 2.5", "checkinterval=0.125",
            "risecount=2", "warmup=0", "warmup=7.5", "depoolthreshold=50%", "drainlimit=600", "reconcile=missing",
            "fallbackcommandonstop=yes", "failurecount=3", "quiescent=yes", "readdquiescent=yes", "cleanstop=no",
            "autoreload=yes", "fork=yes", "resolve=periodic",
            "callback=\"/x/y \"z\" # w\"", "logfile=local0", "logfile=\"/a b\"", "execute=other.cf", "supervised=yes",
            "maintenancedir=/m \"x\"", "emailalert=\"a@b, c@d\"", "emailalertfreq=5", "emailalertfrom=\"A #1\" <a@b>",
            "emailalertstatus=starting,running", "smtp=mail.test", "metrics=[::1]:9105", "metrics=/run/x",
            "fallbackcommand=\"/x # y\" \"z\"",
            "fallbackcommand=/x#y \"a#b\" \"", "fallback=10.1.0.50", "fallback6=[2001:db8::50]:81 masq",
            "fallback=www.test:http masq",
        ])
    }

    private mutating func block(_ index: Int) -> String {
        let six = chance(30)
        let head = six ? "virtual6" : "virtual"
        let place = pick([
            "\(index + 1)", six ? "[2001:db8::\(index)]:80" : "10.9.0.\(index):80",
            six ? "[2001:db8::\(index)]:53" : "10.9.0.\(index):domain",
            six ? "[2001:db8::\(index)]:21" : "10.9.0.\(index):21",
        ])
        var text = "\(head)=\(place)\n"
        for _ in 0..<Int.random(in: 0..<12, using: &random) {
            text +=
                pick(["\t", "    ", "      "]) + blockLine(six, index)
                + pick(["\n", "\n", " # note\n", "  \n", "# x\n"])
        }
        return text + pick(["", "\n", "# end\n\n"])
    }

    private mutating func blockLine(_ six: Bool, _ index: Int) -> String {
        chance(45)
            ? realLine(six)
            : pick([
                "checktype=connect", "checktype=7", "checktype=external-perl", "service=simpletcp", "service=sip",
                "request=\"a\"b#c\"d#e\"", "request=plain", "receive=\"x\\.y \"q\" \"", "receive=p\"q",
                "httpmethod=Head",
                "virtualhost=\"www\"", "virtualhost=\"odd", "login=\"me\"", "passwd=\"p#w\"", "database=\"d b\"",
                "secret=\"s\"", "checkport=99", "checkcommand=\"/x/y\"", "checkcommand=/x \"y\"", "checktimeout=3",
                "negotiatetimeout=1.5", "checkinterval=2", "checkcount=4", "failurecount=2", "scheduler=wlc",
                "smtp=10.0.0.25", "schedflags=sh-port,sh-fallback", "persistent=600",
                six ? "netmask=64" : "netmask=255.255.255.0",
                "ops=yes",
                "quiescent=no", "readdquiescent=yes", "cleanstop=yes", "fallbackcommand=/z \"q\"",
                "check=\(index)x\(Int.random(in: 0..<99, using: &random))", "receivenot=\"a|b\"",
                "httpstatus=200-299,401",
                "httpversion=1.0", "httpheader=\"X-A: b # c\"", "httpheader=Accept: x", "followredirects=same",
                "bodydigest=\(String(repeating: "A0", count: 32))", "starttls=yes", "helo=me.test", "tlsverify=chain",
                "tlscafile=/ca",
                "tlscert=\"/c d\"", "tlskey=/k", "tlsname=n.test", "dnstype=mx", "dnsrcode=NOERROR,nxdomain",
                "risecount=3", "warmup=20", "depoolthreshold=34", "drainlimit=0", "reconcile=all", "reconcile=off",
                "fallbackcommandonstop=no", "protocol=sctp", "fallbackcommand=\"a\"b\"c #d\"", "emailalert=x@y, z@w",
                "emailalertfreq=9", "emailalertstatus=none",
                "emailalertfrom=me <m@x>", "monitorfile=\"/m\"", "servicename=the \"web\"", "comment=\"a # b\" c",
                six ? "fallback6=[2001:db8::51]:82 ipip" : "fallback=10.1.0.51:82 ipip", "load=\"x\"",
            ])
    }

    private mutating func realLine(_ six: Bool) -> String {
        let last = Int.random(in: 1..<250, using: &random)
        let place =
            six ? "[2001:db8::\(last)]" : pick(["10.1.0.\(last)", "10.2.\(last).254->10.2.\(last + 1).1", "www.test"])
        let port = pick(["", ":80", ":8080", ":http", ":0"])
        let weight = pick(["", " 1", " 0", " 65535"])
        let pair = pick(["", "", " \"/a\", \"b\"", " \"c d\" \"(e|f)\"", " \"x\"y\" , \"z # \"", " \"\",\"\""])
        let limits = pick(["", "", " l:1 u:2", " lthreshold:1 uthreshold:3", " u:7", " u:9 l:3"])
        return (six ? "real6=" : "real=") + place + port + " " + pick(["gate", "masq", "ipip", "gue:6080", "gre,csum"])
            + weight + pair + limits
    }
}
