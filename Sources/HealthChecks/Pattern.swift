// SPDX-License-Identifier: Apache-2.0
import CPCRE2
import Glibc

/// A Perl regular expression on bytes, compiled once, with bounded matching.
///
/// Search semantics as in Perl without flags: anywhere in the subject, case sensitive, `.` excludes line feeds, and `$`
/// tolerates one final line feed. Invalid UTF-8 is just bytes (pcre2pattern(3)).
public struct Pattern: Hashable, Sendable, CustomStringConvertible {
    /// Why an expression cannot be used.
    public struct SyntaxError: Error, Equatable, CustomStringConvertible {
        /// Byte offset in the expression at which the fault was noticed.
        public let offset: Int

        /// The fault, in the library's words.
        public let description: String
    }

    /// What a search found.
    public enum Match: Equatable, Sendable {
        case found
        case absent
        /// The expression needs too many steps on this subject; the search was ended.
        case tooComplex
    }

    /// The expression as written.
    public let source: String

    private let program: Program

    /// Compiles an expression.
    ///
    /// - Throws: ``SyntaxError``.
    public init(_ source: String) throws(SyntaxError) {
        self.source = source
        program = try Program(source)
    }

    /// The expression as written.
    public var description: String { source }

    /// Searches the whole subject for the expression.
    public func search(_ subject: [UInt8]) -> Match { program.search(subject) }

    /// Equal when the text is equal.
    public static func == (left: Pattern, right: Pattern) -> Bool { left.source == right.source }

    /// Hashes the text.
    public func hash(into hasher: inout Hasher) { hasher.combine(source) }
}

/// The time that all searches of one answer together may take.
///
/// Each search has its own limit, but an answer may have thousands of lines. Only time in which this thread really ran counts, so
/// that a busy machine makes no expression too complex.
struct SearchBudget {
    /// Time that others wait for a decision at most.
    private static let limit = Duration.milliseconds(100)

    private var used = Duration.zero

    /// Searches while there is time left.
    mutating func search(_ pattern: Pattern, _ subject: [UInt8]) -> Pattern.Match {
        guard used < Self.limit else {
            return .tooComplex
        }
        let start = Self.now()
        defer { used += Self.now() - start }
        return pattern.search(subject)
    }

    private static func now() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}

// Unchecked: the code is not changed after `init`, and PCRE2 allows any number of threads to match with the same code
// (pcre2api(3), "Multithreading").
private final class Program: @unchecked Sendable {
    /// Steps of backtracking that one search may take: some ten milliseconds.
    private static let matchLimit: UInt32 = 200_000

    /// Memory that one search may take, KiB.
    private static let heapLimit: UInt32 = 4096

    private let code: OpaquePointer
    private let context: OpaquePointer?

    init(_ source: String) throws(Pattern.SyntaxError) {
        var errorCode: CInt = 0
        var offset = 0
        let bytes = Array(source.utf8)
        let compiled = pcre2_compile_8(bytes, bytes.count, 0, &errorCode, &offset, nil)
        guard let compiled else {
            var text = [UInt8](repeating: 0, count: 256)
            let length = pcre2_get_error_message_8(errorCode, &text, text.count)
            throw Pattern.SyntaxError(
                offset: offset,
                description: String(decoding: text.prefix(max(0, Int(length))), as: UTF8.self)
            )
        }
        code = compiled
        context = pcre2_match_context_create_8(nil)
        if let context {
            pcre2_set_match_limit_8(context, Self.matchLimit)
            pcre2_set_heap_limit_8(context, Self.heapLimit)
        }
    }

    deinit {
        pcre2_match_context_free_8(context)
        pcre2_code_free_8(code)
    }

    func search(_ subject: [UInt8]) -> Pattern.Match {
        guard let data = pcre2_match_data_create_8(1, nil) else {
            return .tooComplex
        }
        defer { pcre2_match_data_free_8(data) }
        let status = pcre2_match_8(code, subject, subject.count, 0, 0, data, context)
        switch status {
        case 0...: return .found
        case PCRE2_ERROR_NOMATCH: return .absent
        default: return .tooComplex
        }
    }
}
