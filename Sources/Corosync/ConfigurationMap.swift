// SPDX-License-Identifier: Apache-2.0
import CCorosync
import Glibc

/// Reads Corosync's configuration and run-time values (cmap_overview(3)).
public struct ConfigurationMap: ~Copyable {
    private let handle: cmap_handle_t

    /// Connects to the local Corosync.
    public init() throws(CorosyncError) {
        var handle: cmap_handle_t = 0
        try check("cmap_initialize", cmap_initialize(&handle))
        self.handle = handle
    }

    /// Connects to the local Corosync's read-only statistics.
    ///
    /// - Returns: The map with the keys `stats.…`.
    /// - Throws: ``CorosyncError``.
    public static func statistics() throws(CorosyncError) -> ConfigurationMap {
        var handle: cmap_handle_t = 0
        try check("cmap_initialize_map", cmap_initialize_map(&handle, CMAP_MAP_STATS))
        return ConfigurationMap(handle)
    }

    private init(_ handle: cmap_handle_t) {
        self.handle = handle
    }

    deinit {
        // After the loss of Corosync this fails, and there is nothing left to free.
        _ = cmap_finalize(handle)
    }

    /// All keys that start with `prefix`.
    public borrowing func keys(prefix: String) throws(CorosyncError) -> [String] {
        var iterator: cmap_iter_handle_t = 0
        try check("cmap_iter_init", cmap_iter_init(handle, prefix, &iterator))
        defer { _ = cmap_iter_finalize(handle, iterator) }
        var keys: [String] = []
        var name = [CChar](repeating: 0, count: Int(CMAP_KEYNAME_MAXLEN) + 1)
        while true {
            var length = 0
            var type = CMAP_VALUETYPE_STRING
            let result = cmap_iter_next(handle, iterator, &name, &length, &type)
            if result == CS_ERR_NO_SECTIONS {
                return keys
            }
            try check("cmap_iter_next", result)
            keys.append(String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
        }
    }

    /// A whole number of up to 32 bits; nil when the key does not exist or holds something else.
    public borrowing func number(_ key: String) throws(CorosyncError) -> UInt32? {
        var value: UInt32 = 0
        let result = cmap_get_uint32(handle, key, &value)
        if result == CS_ERR_NOT_EXIST || result == CS_ERR_INVALID_PARAM {
            return nil
        }
        try check("cmap_get \(key)", result)
        return value
    }

    /// A whole number of 8 bits; nil when the key does not exist or holds something else.
    public borrowing func octet(_ key: String) throws(CorosyncError) -> UInt8? {
        var value: UInt8 = 0
        let result = cmap_get_uint8(handle, key, &value)
        if result == CS_ERR_NOT_EXIST || result == CS_ERR_INVALID_PARAM {
            return nil
        }
        try check("cmap_get \(key)", result)
        return value
    }

    /// A counter of up to 64 bits; nil when the key does not exist or holds something else.
    public borrowing func counter(_ key: String) throws(CorosyncError) -> UInt64? {
        var value: UInt64 = 0
        let result = cmap_get_uint64(handle, key, &value)
        if result == CS_ERR_NOT_EXIST || result == CS_ERR_INVALID_PARAM {
            return try number(key).map(UInt64.init)
        }
        try check("cmap_get \(key)", result)
        return value
    }

    /// A text; nil when the key does not exist or holds something else.
    public borrowing func text(_ key: String) throws(CorosyncError) -> String? {
        var value: UnsafeMutablePointer<CChar>?
        let result = cmap_get_string(handle, key, &value)
        if result == CS_ERR_NOT_EXIST || result == CS_ERR_INVALID_PARAM {
            return nil
        }
        try check("cmap_get \(key)", result)
        guard let value else {
            return nil
        }
        defer { free(value) }
        return String(cString: value)
    }
}
