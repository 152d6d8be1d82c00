// SPDX-License-Identifier: Apache-2.0

/// How http, https and http_proxy checks ask, and what the answer must be besides matching.
public struct HTTPConditions: Sendable, Hashable {
    /// The statuses that are good (`httpstatus`).
    public var statuses = [200...299]

    /// The version that is spoken (`httpversion`).
    public var version = HTTPVersion.v11

    /// Header fields of the request as written, `Name: value` (`httpheader`).
    public var headers: [String] = []

    /// Which redirects are followed (`followredirects`).
    public var redirection = HTTPRedirection.anywhere

    /// The SHA-256 digest of the body, 64 hexadecimal digits in lower case (`bodydigest`); nil when any will do.
    public var bodyDigest: String?

    /// The conditions of a block that says nothing.
    public init() {}

    /// The statuses as written.
    var statusText: String {
        statuses.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
    }
}

/// A version of HTTP that checks speak.
public enum HTTPVersion: String, Sendable, Hashable, CaseIterable {
    case v10 = "1.0"
    case v11 = "1.1"
}

/// Which redirects a check follows.
public enum HTTPRedirection: String, Sendable, Hashable, CaseIterable {
    case anywhere = "yes"
    /// Those to the server itself.
    case sameServer = "same"
    case nowhere = "no"
}
