// SPDX-License-Identifier: Apache-2.0

/// A login to a MySQL or MariaDB server and a query that must bring at least one row.
public struct MySQLLogin: Hashable, Sendable {
    /// The user's name.
    public var login: String

    /// The password; empty for none.
    ///
    /// A server of MySQL 8 that has not seen the user since it started (caching_sha2_password) wants the password itself;
    /// it is sent under the RSA key that the server gives, which keeps it from listeners, not from an impostor.
    public var password: String

    /// The database to use; empty for none.
    public var database: String

    /// The query; when empty, the login alone decides.
    public var query: String

    /// Whether TLS is started after the greeting; a server without it is down.
    public var startsTLS: Bool

    /// Describes a login and a query.
    public init(login: String, password: String, database: String, query: String, startsTLS: Bool = false) {
        self.startsTLS = startsTLS
        self.login = login
        self.password = password
        self.database = database
        self.query = query
    }
}
