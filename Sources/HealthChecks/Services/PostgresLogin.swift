// SPDX-License-Identifier: Apache-2.0

/// A login to a PostgreSQL server and a query that must bring at least one row.
public struct PostgresLogin: Hashable, Sendable {
    /// The user's name.
    public var login: String

    /// The password; empty for none.
    public var password: String

    /// The database to use; when empty, the one that is named as the user.
    public var database: String

    /// The query; when empty, the login alone decides.
    public var query: String

    /// Whether TLS is asked for before the login; a server without it is down.
    public var startsTLS: Bool

    /// Describes a login and a query.
    public init(login: String, password: String, database: String, query: String, startsTLS: Bool = false) {
        self.login = login
        self.password = password
        self.database = database
        self.query = query
        self.startsTLS = startsTLS
    }
}
