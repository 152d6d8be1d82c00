// SPDX-License-Identifier: Apache-2.0

/// The words a line of `ldirectord.cf` can start with.
public enum DirectiveName: String, Sendable, Hashable, CaseIterable {
    // What starts a block or stands for a server.
    case virtual
    case virtual6
    case real
    case real6
    case fallback
    case fallback6

    // Checks.
    case checktype
    case service
    case request
    case receive
    case httpmethod
    case virtualhost
    case login
    case passwd
    case database
    case secret
    case checkport
    case checkcommand
    case checktimeout
    case negotiatetimeout
    case checkinterval
    case checkcount
    case failurecount
    case idlecheck
    case checksource
    case checkinterface
    case dynamicweight

    // Further conditions of checks.
    case check
    case receivenot
    case bodydigest
    case httpstatus
    case httpversion
    case httpheader
    case followredirects
    case helo
    case starttls
    case tlsverify
    case tlscafile
    case tlscert
    case tlskey
    case tlsname
    case dnstype
    case dnsrcode

    // The kernel's table.
    case `protocol`
    case scheduler
    case persistent
    case netmask
    case schedflags
    case ops

    // Life-cycle.
    case quiescent
    case readdquiescent
    case cleanstop
    case fallbackcommand
    case fallbackcommandonstop
    case risecount
    case warmup
    case depoolthreshold
    case drainlimit
    case reconcile
    case maintenancedir
    case autoreload
    case resolve
    case callback
    case execute
    case supervised
    case fork

    // Reports.
    case logfile
    case monitorfile
    case emailalert
    case emailalertfreq
    case emailalertstatus
    case emailalertfrom
    case smtp
    case metrics
    case servicename
    case comment

    // For shared and for old files.
    case compat
    case load
    case connecttimeout
    case timeout
}
