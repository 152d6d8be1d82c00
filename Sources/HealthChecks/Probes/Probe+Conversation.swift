// SPDX-License-Identifier: Apache-2.0
import LinuxKit

extension Probe {
    /// The talk that decides; nil where a connection, an echo or a program does, and for FTP, which talks on two connections.
    func makeConversation() -> (any Conversation)? {
        switch method {
        case .connect, .ping, .command, .ftp, .all: nil
        case .http(let request): HTTPConversation(request, server: target, tls: tlsSettings)
        case .lines(let dialogue): LineConversation(dialogue)
        case .pop(let login): POPConversation(login)
        case .sip(let options): SIPConversation(options, transport)
        case .text(let exchange): TextConversation(exchange, transport)
        case .dns(let question): DNSConversation(question, isStream: transport == .tcp)
        case .ldap(let search): LDAPConversation(search)
        case .radius(let login): RadiusConversation(login)
        case .mysql(let login): MySQLConversation(login)
        case .postgres(let login): PostgresConversation(login)
        }
    }
}
