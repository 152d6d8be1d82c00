// SPDX-License-Identifier: Apache-2.0

extension DirectiveTable {
    /// Conditions of checks that the Perl program does not know.
    static let conditions = [
        condition(.check, .text(.optional), "Begins a further check of every server; all must succeed."),
        condition(.receivenot, .pattern, "What the answer must not contain."),
        condition(.bodydigest, .sha256, "The SHA-256 digest that the body of an HTTP answer must have."),
        condition(.httpstatus, .statusList, default: "200-299", "The statuses that are good."),
        condition(.httpversion, .oneOf(HTTPVersion.allCases.map(\.rawValue)), default: "1.1", "The version of HTTP."),
        condition(.httpheader, .header, "A header field of the request; may be repeated."),
        condition(
            .followredirects,
            .oneOf(HTTPRedirection.allCases.map(\.rawValue)),
            default: "yes",
            "Whether the check goes where a redirect leads to; same: only to the server itself."
        ),
        condition(
            .helo,
            .host,
            default: "localhost.localdomain",
            "The name by which smtp and submission checks introduce themselves."
        ),
        condition(.starttls, .flag, default: "no", "TLS is started inside the plain connection."),
        condition(
            .tlsverify,
            .oneOf(TLSVerification.allCases.map(\.rawValue)),
            default: "none",
            "What of the server's certificate is judged: nothing, its chain, or its chain and name."
        ),
        condition(.tlscafile, .text(.optional), default: "the system's", "PEM file of trusted authorities."),
        condition(.tlscert, .text(.optional), "PEM file of a client certificate and its chain."),
        condition(.tlskey, .text(.optional), default: "tlscert", "PEM file of the client certificate's key."),
        condition(
            .tlsname,
            .text(.optional),
            default: "virtualhost",
            "The name that is asked for (SNI) and that the certificate must carry."
        ),
        condition(
            .dnstype,
            .anyCaseWord(DNSRecordType.allCases.map(\.rawValue)),
            default: "A, then AAAA; PTR for an address",
            "The records that a dns check asks for."
        ),
        condition(
            .dnsrcode,
            .anyCaseWordList(DNSResponseCode.allCases.map(\.rawValue)),
            default: "NOERROR",
            "The response codes that are good."
        ),
    ]

    private static func condition(
        _ name: DirectiveName,
        _ grammar: ValueGrammar,
        default defaultText: String = "",
        _ summary: String
    ) -> Directive {
        Directive(name, .block, grammar, default: defaultText, summary, isExtension: true)
    }
}
