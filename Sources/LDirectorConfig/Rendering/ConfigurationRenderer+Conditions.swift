// SPDX-License-Identifier: Apache-2.0

extension ConfigurationRenderer {
    /// The conditions that are not as in a block that says nothing.
    func writeConditions(of check: CheckSettings, to writer: inout DirectiveWriter) {
        let defaults = CheckSettings()
        let (http, tls, dns) = (check.http, check.tls, check.dns)
        writer.quoted(.receivenot, check.receiveNot)
        if http.statuses != defaults.http.statuses {
            writer.plain(.httpstatus, http.statusText)
        }
        if http.version != defaults.http.version {
            writer.plain(.httpversion, http.version.rawValue)
        }
        for header in http.headers {
            // Keys for programs' interfaces are secrets as well.
            let text = hidesSecrets ? header.prefix { $0 != ":" } + ": " + secret(header) : header[...]
            writer.quoted(.httpheader, String(text))
        }
        writer.plain(.followredirects, http.redirection == .anywhere ? nil : http.redirection.rawValue)
        writer.plain(.bodydigest, http.bodyDigest)
        writer.plain(.helo, check.helloName)
        if tls.startsInside {
            writer.flag(.starttls, true)
        }
        writer.plain(.tlsverify, tls.verification == .none ? nil : tls.verification.rawValue)
        writer.quoted(.tlscafile, tls.authorities)
        writer.quoted(.tlscert, tls.certificate)
        writer.quoted(.tlskey, tls.key)
        writer.quoted(.tlsname, tls.serverName)
        writer.plain(.dnstype, dns.type?.rawValue)
        if dns.codes != defaults.dns.codes {
            writer.plain(.dnsrcode, dns.codes.map(\.rawValue).sorted().joined(separator: ","))
        }
    }
}
