// SPDX-License-Identifier: Apache-2.0
import COpenSSL
import Glibc

/// Why TLS with a server did not come about, or broke.
struct TLSFailure: Error, Equatable, CustomStringConvertible {
    /// A clause for a reason: "certificate verify failed (self-signed certificate)".
    let description: String

    /// Takes the oldest error of the library's queue and empties the queue.
    init(_ fallback: String) {
        let code = ERR_get_error()
        ERR_clear_error()
        description = code != 0 ? ERR_reason_error_string(code).map { String(cString: $0) } ?? fallback : fallback
    }

    init(text: String) { description = text }
}

/// What many connections with equal settings share: the library's context with certificates loaded.
final class TLSContext {
    let settings: TLSSettings
    private let context: OpaquePointer

    /// Prepares for connections.
    ///
    /// - Throws: ``TLSFailure`` when certificates or keys cannot be loaded.
    init(_ settings: TLSSettings) throws(TLSFailure) {
        self.settings = settings
        ERR_clear_error()
        guard let context = SSL_CTX_new(TLS_client_method()) else {
            throw TLSFailure("TLS is not available")
        }
        self.context = context
        // Sessions are not kept: a check must prove that a full handshake works.
        SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
        switch settings.verification {
        case .none: break
        case .chain(let authorities), .full(let authorities):
            SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
            let status =
                authorities.map { SSL_CTX_load_verify_locations(context, $0, nil) }
                ?? SSL_CTX_set_default_verify_paths(context)
            guard status == 1 else {
                throw TLSFailure("the authorities' certificates cannot be loaded")
            }
        }
        if let identity = settings.identity {
            guard SSL_CTX_use_certificate_chain_file(context, identity.certificate) == 1 else {
                throw TLSFailure("the client certificate \(identity.certificate) cannot be loaded")
            }
            guard SSL_CTX_use_PrivateKey_file(context, identity.key, SSL_FILETYPE_PEM) == 1 else {
                throw TLSFailure("the client key \(identity.key) cannot be loaded")
            }
        }
    }

    deinit { SSL_CTX_free(context) }

    /// The state of a new connection.
    func makeSession() -> OpaquePointer? { SSL_new(context) }
}

/// The contexts of a prober, each made when it is first needed and again when one of its files has changed.
final class TLSContexts {
    private var contexts: [TLSSettings: (context: TLSContext, files: [FileState])] = [:]

    /// The context for the settings.
    func context(for settings: TLSSettings) throws(TLSFailure) -> TLSContext {
        let files = settings.files.map(FileState.init)
        if let known = contexts[settings], known.files == files {
            return known.context
        }
        contexts[settings] = nil
        let context = try TLSContext(settings)
        contexts[settings] = (context, files)
        return context
    }

    /// What tells one state of a file from another; all zero when it is not there.
    private struct FileState: Equatable {
        var inode: UInt64 = 0
        var size: Int64 = 0
        var seconds = 0
        var nanoseconds = 0

        init(_ path: String) {
            var status = stat()
            if stat(path, &status) == 0 {
                inode = UInt64(status.st_ino)
                size = Int64(status.st_size)
                (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
            }
        }
    }
}

extension TLSSettings {
    /// The files that are read.
    fileprivate var files: [String] {
        let authorities: String? =
            switch verification {
            case .none: nil
            case .chain(let path), .full(let path): path
            }
        return [authorities, identity?.certificate, identity?.key].compactMap(\.self)
    }
}
