// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// Why a name has no address.
public struct NameResolutionError: Error, Hashable, Sendable {
    /// The resolver's words, such as `Name or service not known`.
    public var reason: String

    /// Keeps the resolver's words.
    public init(reason: String) {
        self.reason = reason
    }
}

/// Looks names up while a file is read; called for names only, never for numeric addresses or ports.
public protocol NameResolver: Sendable {
    /// The first address of a host in the wanted family.
    func address(of host: String, family: IPAddress.Family) throws(NameResolutionError) -> IPAddress

    /// The port of a service name under a protocol, or nil when the services database has none.
    func port(of service: String, transport: TransportProtocol) -> UInt16?
}

/// Why a pattern is not a regular expression.
public struct PatternError: Error, Hashable, Sendable {
    /// The engine's words.
    public var reason: String

    /// Bytes from the start of the pattern to the fault, as far as the engine knows.
    public var offset: Int

    /// Keeps the engine's words and the place.
    public init(reason: String, offset: Int = 0) {
        self.reason = reason
        self.offset = offset
    }
}

/// Everything that reading a file needs from outside, so that parsing itself stays pure.
public struct ConfigurationEnvironment: Sendable {
    /// Looks up host and service names.
    public var resolver: any NameResolver

    /// Says whether a `receive` pattern compiles in the engine of the checks; nil means it does.
    public var validatePattern: @Sendable (String) -> PatternError?

    /// This director's name, for the default login of ftp and sip checks.
    public var directorName: String

    /// Joins the three.
    public init(
        resolver: any NameResolver,
        directorName: String,
        validatePattern: @escaping @Sendable (String) -> PatternError?
    ) {
        self.resolver = resolver
        self.directorName = directorName
        self.validatePattern = validatePattern
    }
}
