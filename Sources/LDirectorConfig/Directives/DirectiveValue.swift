// SPDX-License-Identifier: Apache-2.0

/// The value of a directive after its own grammar, before it meets other lines.
enum DirectiveValue {
    case duration(Duration)
    case count(Int)
    case flag(Bool)
    case text(String)
    case list([String])
    case checkType(CheckType)
    case statuses([ClosedRange<Int>])
    /// An empty value that takes back what an earlier line said.
    case nothing
    /// Judged when the block is complete.
    case open
}

/// A value with its place.
struct LocatedValue {
    let value: DirectiveValue
    let name: Token
    let token: Token
}

/// The directives seen in one scope; a later line replaces an earlier one.
struct DirectiveValues {
    private var values: [DirectiveName: LocatedValue] = [:]

    subscript(name: DirectiveName) -> LocatedValue? {
        get { values[name] }
        set { values[name] = newValue }
    }

    /// Takes a value; a header field is added to those before it.
    mutating func add(_ value: LocatedValue, _ name: DirectiveName) {
        if name == .httpheader, let before = list(name), case .list(let more) = value.value {
            values[name] = LocatedValue(value: .list(before + more), name: value.name, token: value.token)
        } else {
            values[name] = value
        }
    }

    func duration(_ name: DirectiveName) -> Duration? {
        guard case .duration(let duration)? = values[name]?.value else {
            return nil
        }
        return duration
    }

    func count(_ name: DirectiveName) -> Int? {
        guard case .count(let count)? = values[name]?.value else {
            return nil
        }
        return count
    }

    func flag(_ name: DirectiveName) -> Bool? {
        guard case .flag(let flag)? = values[name]?.value else {
            return nil
        }
        return flag
    }

    func text(_ name: DirectiveName) -> String? {
        guard case .text(let text)? = values[name]?.value else {
            return nil
        }
        return text
    }

    func list(_ name: DirectiveName) -> [String]? {
        guard case .list(let list)? = values[name]?.value else {
            return nil
        }
        return list
    }

    func statuses(_ name: DirectiveName) -> [ClosedRange<Int>]? {
        guard case .statuses(let statuses)? = values[name]?.value else {
            return nil
        }
        return statuses
    }

    func checkType(_ name: DirectiveName) -> CheckType? {
        guard case .checkType(let type)? = values[name]?.value else {
            return nil
        }
        return type
    }
}
