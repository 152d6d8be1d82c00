// SPDX-License-Identifier: Apache-2.0

extension DirectiveName {
    /// Whether the directive belongs to the `check` above it, where there is one; others belong to the block wherever they stand.
    var describesCheck: Bool {
        switch self {
        case .checktype, .service, .request, .receive, .receivenot, .bodydigest, .login, .passwd, .database, .secret:
            true
        case .httpmethod, .virtualhost, .httpstatus, .httpversion, .httpheader, .followredirects: true
        case .helo, .starttls, .tlsverify, .tlscafile, .tlscert, .tlskey, .tlsname, .dnstype, .dnsrcode: true
        case .checkport, .checkcommand, .checktimeout, .negotiatetimeout, .checkcount: true
        default: false
        }
    }
}
