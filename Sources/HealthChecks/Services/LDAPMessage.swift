// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// The messages of LDAP that a check sends and reads (RFC 4511).
enum LDAPMessage {
    /// What a server sends.
    enum Response: Equatable {
        case bind(Result)
        case entry(name: [UInt8])
        case reference
        case searchDone(Result)
        case extended(Result)
        /// Something that a check can pass over (RFC 4511 4.13).
        case intermediate
    }

    /// How an operation went.
    struct Result: Equatable {
        let code: UInt32
        let message: [UInt8]

        /// The code's name, and the server's words without the password.
        func description(hiding password: String) -> String {
            let text = message.isEmpty ? "" : " \(quoted(message, hiding: password))"
            return "\(LDAPMessage.name(ofCode: code)) (\(code))\(text)"
        }
    }

    /// A request to log in; anonymous with an empty name and password.
    static func bind(_ number: UInt32, login: String, password: String) -> [UInt8] {
        let version = BasicEncoding.number(BasicEncoding.integer, 3)
        let name = BasicEncoding.element(BasicEncoding.octetString, Array(login.utf8))
        let simple = BasicEncoding.element(0x80, Array(password.utf8))
        return message(number, BasicEncoding.element(0x60, [version, name, simple]))
    }

    /// A request for the entry with this name, without its attributes; aliases in the name are followed.
    static func search(_ number: UInt32, base: String) -> [UInt8] {
        let parts = [
            BasicEncoding.element(BasicEncoding.octetString, Array(base.utf8)),
            BasicEncoding.number(BasicEncoding.enumerated, 0),
            BasicEncoding.number(BasicEncoding.enumerated, 2),
            BasicEncoding.number(BasicEncoding.integer, 0),
            BasicEncoding.number(BasicEncoding.integer, 0),
            BasicEncoding.element(BasicEncoding.boolean, [0xff]),
            BasicEncoding.element(0x87, Array("objectClass".utf8)),
            // RFC 4511 4.5.1.8: "1.1" asks for no attribute.
            BasicEncoding.element(
                BasicEncoding.sequence,
                BasicEncoding.element(BasicEncoding.octetString, Array("1.1".utf8))
            ),
        ]
        return message(number, BasicEncoding.element(0x63, parts))
    }

    /// A request to start TLS.
    static func startTLS(_ number: UInt32) -> [UInt8] {
        let name = BasicEncoding.element(0x80, Array("1.3.6.1.4.1.1466.20037".utf8))
        return message(number, BasicEncoding.element(0x77, name))
    }

    /// The good-bye.
    static func unbind(_ number: UInt32) -> [UInt8] { message(number, [0x42, 0]) }

    /// Reads a message of the server; nil when it is malformed or of an unknown kind.
    static func response(_ bytes: some Collection<UInt8>) -> (number: UInt32, Response)? {
        var outer = ByteReader(bytes)
        guard let envelope = BasicEncoding.next(&outer), envelope.tag == BasicEncoding.sequence else {
            return nil
        }
        var inner = ByteReader(envelope.content)
        guard let first = BasicEncoding.next(&inner), first.tag == BasicEncoding.integer,
            let number = BasicEncoding.value(first.content), let operation = BasicEncoding.next(&inner)
        else {
            return nil
        }
        var reader = ByteReader(operation.content)
        switch operation.tag {
        case 0x61: return result(&reader).map { (number, .bind($0)) }
        case 0x64:
            guard let name = BasicEncoding.next(&reader), name.tag == BasicEncoding.octetString else {
                return nil
            }
            return (number, .entry(name: name.content))
        case 0x65: return result(&reader).map { (number, .searchDone($0)) }
        case 0x73: return (number, .reference)
        case 0x78: return result(&reader).map { (number, .extended($0)) }
        case 0x79: return (number, .intermediate)
        default: return nil
        }
    }

    private static func result(_ reader: inout ByteReader) -> Result? {
        guard let code = BasicEncoding.next(&reader), code.tag == BasicEncoding.enumerated,
            let value = BasicEncoding.value(code.content),
            let matched = BasicEncoding.next(&reader), matched.tag == BasicEncoding.octetString,
            let message = BasicEncoding.next(&reader), message.tag == BasicEncoding.octetString
        else {
            return nil
        }
        return Result(code: value, message: message.content)
    }

    private static func message(_ number: UInt32, _ operation: [UInt8]) -> [UInt8] {
        BasicEncoding.element(
            BasicEncoding.sequence,
            [BasicEncoding.number(BasicEncoding.integer, number), operation]
        )
    }

    /// The names of RFC 4511 appendix A.
    private static func name(ofCode code: UInt32) -> String {
        switch code {
        case 0: "success"
        case 1: "operationsError"
        case 2: "protocolError"
        case 3: "timeLimitExceeded"
        case 4: "sizeLimitExceeded"
        case 7: "authMethodNotSupported"
        case 8: "strongerAuthRequired"
        case 10: "referral"
        case 11: "adminLimitExceeded"
        case 12: "unavailableCriticalExtension"
        case 13: "confidentialityRequired"
        case 14: "saslBindInProgress"
        case 16: "noSuchAttribute"
        case 18: "inappropriateMatching"
        case 32: "noSuchObject"
        case 33: "aliasProblem"
        case 34: "invalidDNSyntax"
        case 36: "aliasDereferencingProblem"
        case 48: "inappropriateAuthentication"
        case 49: "invalidCredentials"
        case 50: "insufficientAccessRights"
        case 51: "busy"
        case 52: "unavailable"
        case 53: "unwillingToPerform"
        case 54: "loopDetect"
        case 80: "other"
        default: "result code"
        }
    }
}
