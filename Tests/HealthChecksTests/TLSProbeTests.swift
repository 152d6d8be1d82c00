// SPDX-License-Identifier: Apache-2.0
import Glibc
import HealthChecks
import LinuxKit
import Testing

/// Probes with TLS against `openssl s_server`, with a certificate that the test makes.
@Suite(.timeLimit(.minutes(10)))
struct TLSProbeTests {
    /// A server process on a free port of loopback, ended with the object.
    final class Server {
        let address: SocketAddress
        let folder: String
        private let child: ChildProcess

        init(_ options: [String] = ["-www"]) throws {
            var template = Array("/tmp/vervet-tls.XXXXXX".utf8CString)
            folder = String(cString: try #require(mkdtemp(&template)))
            let subject = ["-subj", "/CN=www.test", "-addext", "subjectAltName=DNS:www.test"]
            let make =
                ["/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
                + ["-nodes", "-days", "2", "-keyout", folder + "/key", "-out", folder + "/cert"] + subject
            let made = try ChildProcess.start(make)
            #expect(try made.wait(until: Deadline(after: .seconds(60)))?.isSuccess == true)
            address = try Self.freePort()
            child = try ChildProcess.start(
                ["/usr/bin/openssl", "s_server", "-quiet", "-accept", address.description]
                    + ["-cert", folder + "/cert", "-key", folder + "/key"] + options
            )
            try waitUntilOpen()
        }

        deinit {
            kill(child.pid, SIGKILL)
            _ = try? child.wait(until: Deadline(after: .seconds(5)))
            for name in ["key", "cert"] {
                unlink(folder + "/" + name)
            }
            rmdir(folder)
        }

        private static func freePort() throws -> SocketAddress {
            let loop = try EventLoop()
            return try LocalServer(.silent, on: loop).address
        }

        private func waitUntilOpen() throws {
            for _ in 0..<1200 {
                let loop = try EventLoop()
                let probe = Probe(.connect, of: address, connectTimeout: .seconds(30), timeout: .seconds(30))
                if try result(of: probe, on: loop)?.outcome == .up {
                    return
                }
                usleep(25_000)
            }
        }
    }

    private func check(_ server: SocketAddress, _ settings: TLSSettings, receive: String? = nil) throws -> CheckOutcome?
    {
        let request = HTTPRequest(
            path: "/",
            host: "www.test",
            isSecure: true,
            receive: try receive.map { try Pattern($0) }
        )
        let limit = Duration.seconds(30)
        let probe = Probe(
            .http(request),
            of: server,
            security: .tls(settings),
            connectTimeout: limit,
            timeout: limit
        )
        return try result(of: probe, on: try EventLoop())?.outcome
    }

    @Test func anyCertificateWillDo() throws {
        let server = try Server()
        #expect(try check(server.address, TLSSettings(), receive: "s_server") == .up)
    }

    @Test func certificatesAreJudgedWhenAsked() throws {
        let server = try Server()
        let own = TLSSettings.Verification.full(authorities: server.folder + "/cert")
        #expect(try check(server.address, TLSSettings(serverName: "www.test", verification: own)) == .up)
        let wrongName = try check(server.address, TLSSettings(serverName: "other.test", verification: own))
        #expect(wrongName == .down("TLS: the certificate is not accepted: hostname mismatch"))
        let unknown = try check(server.address, TLSSettings(verification: .full(authorities: nil)))
        #expect(unknown == .down("TLS: the certificate is not accepted: self-signed certificate"))
    }

    @Test func aServerWithoutTLS() throws {
        let loop = try EventLoop()
        let server = try LocalServer(.send(["220 hello\r\n"], afterRequest: false), on: loop)
        let request = HTTPRequest(path: "/", host: "www.test", isSecure: true, receive: nil)
        let limit = Duration.seconds(30)
        let probe = Probe(
            .http(request),
            of: server.address,
            security: .tls(TLSSettings()),
            connectTimeout: limit,
            timeout: limit
        )
        #expect(try result(of: probe, on: loop)?.outcome == .down("TLS: wrong version number"))
        withExtendedLifetime(server) {}
    }

    @Test func aServerThatStaysSilentInTheHandshake() throws {
        let loop = try EventLoop()
        let server = try LocalServer(.silent, on: loop)
        let request = HTTPRequest(path: "/", host: "www.test", isSecure: true, receive: nil)
        let limit = Duration.milliseconds(300)
        let probe = Probe(
            .http(request),
            of: server.address,
            security: .tls(TLSSettings()),
            connectTimeout: limit,
            timeout: limit
        )
        #expect(try result(of: probe, on: loop)?.outcome == .down("connected, but no TLS handshake within 0.3 s"))
        withExtendedLifetime(server) {}
    }
}
