// SPDX-License-Identifier: Apache-2.0
import COpenSSL
import LinuxKit

/// The client side of one TLS connection without I/O: ciphertext in, plaintext out, and the other way round.
///
/// The library works on two memory buffers, so that sockets, deadlines and bounds stay in the channel's hands.
final class TLSSession {
    /// Whether the handshake is over.
    private(set) var isEstablished = false

    /// Whether the server said that nothing more will come.
    private(set) var isEnded = false

    private let context: TLSContext
    private let session: OpaquePointer
    private let incoming: OpaquePointer
    private let outgoing: OpaquePointer

    /// Prepares the client side, which goes on with the session of an established one when it is given.
    init(_ context: TLSContext, resuming other: TLSSession? = nil) throws(TLSFailure) {
        self.context = context
        ERR_clear_error()
        guard let session = context.makeSession() else {
            throw TLSFailure("no memory for TLS")
        }
        guard let incoming = BIO_new(BIO_s_mem()), let outgoing = BIO_new(BIO_s_mem()) else {
            SSL_free(session)
            throw TLSFailure("no memory for TLS")
        }
        self.session = session
        self.incoming = incoming
        self.outgoing = outgoing
        // An empty buffer means "wait", not "end".
        BIO_ctrl(incoming, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, nil)
        SSL_set_bio(session, incoming, outgoing)
        SSL_set_connect_state(session)
        if let other, let established = SSL_get1_session(other.session) {
            // Without it the server may refuse, and says so.
            SSL_set_session(session, established)
            SSL_SESSION_free(established)
        }
        if let name = context.settings.serverName {
            try setName(name)
        }
    }

    deinit { SSL_free(session) }

    private func setName(_ name: String) throws(TLSFailure) {
        if IPAddress(name) == nil {
            let sent = name.withCString { text in
                SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name), .init(mutating: text))
            }
            guard sent == 1 else {
                throw TLSFailure("\"\(name.prefix(100))\" cannot be sent as server name")
            }
        }
        if case .full = context.settings.verification {
            let parameters = SSL_get0_param(session)
            let status =
                IPAddress(name) == nil
                ? X509_VERIFY_PARAM_set1_host(parameters, name, 0) : X509_VERIFY_PARAM_set1_ip_asc(parameters, name)
            guard status == 1 else {
                throw TLSFailure("\"\(name.prefix(100))\" is not a name that a certificate can carry")
            }
        }
    }

    /// Takes ciphertext and goes on with the handshake.
    ///
    /// - Returns: The plaintext that came with it.
    /// - Throws: ``TLSFailure``: the handshake failed, or what came is not TLS.
    func receive(_ ciphertext: ArraySlice<UInt8>) throws(TLSFailure) -> [UInt8] {
        if !ciphertext.isEmpty {
            let taken = ciphertext.withUnsafeBytes { BIO_write(incoming, $0.baseAddress, CInt($0.count)) }
            guard taken == ciphertext.count else {
                throw TLSFailure("no memory for TLS")
            }
        }
        if !isEstablished {
            ERR_clear_error()
            let status = SSL_do_handshake(session)
            guard status == 1 else {
                try check(status)
                return []
            }
            isEstablished = true
        }
        return try read()
    }

    private func read() throws(TLSFailure) -> [UInt8] {
        var plaintext: [UInt8] = []
        var portion = [UInt8](repeating: 0, count: 16384)
        while true {
            ERR_clear_error()
            let count = SSL_read(session, &portion, CInt(portion.count))
            guard count > 0 else {
                try check(count)
                return plaintext
            }
            plaintext.append(contentsOf: portion.prefix(Int(count)))
        }
    }

    /// Encrypts; what is to be sent comes from ``takeOutput()``.
    func send(_ plaintext: ArraySlice<UInt8>) throws(TLSFailure) {
        guard !plaintext.isEmpty else {
            return
        }
        ERR_clear_error()
        let count = plaintext.withUnsafeBytes { SSL_write(session, $0.baseAddress, CInt($0.count)) }
        guard count == plaintext.count else {
            throw TLSFailure("nothing can be sent any more")
        }
    }

    /// Tells the server that nothing more will come.
    func sendEnd() { SSL_shutdown(session) }

    /// Ciphertext that waits to be sent.
    func takeOutput() -> [UInt8] {
        var output: [UInt8] = []
        var portion = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = BIO_read(outgoing, &portion, CInt(portion.count))
            guard count > 0 else {
                return output
            }
            output.append(contentsOf: portion.prefix(Int(count)))
        }
    }

    private func check(_ status: CInt) throws(TLSFailure) {
        switch SSL_get_error(session, status) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return
        case SSL_ERROR_ZERO_RETURN: isEnded = true
        default:
            let verdict = SSL_get_verify_result(session)
            if context.settings.verification != .none, !isEstablished, verdict != Int(X509_V_OK) {
                let text = X509_verify_cert_error_string(verdict).map { String(cString: $0) } ?? "not trusted"
                ERR_clear_error()
                throw TLSFailure(text: "the certificate is not accepted: \(text)")
            }
            throw TLSFailure("broken")
        }
    }
}
