// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// The lines of one `virtual` block, read one by one, before they are judged together.
struct BlockDraft {
    let name: Token
    let place: Token
    let family: IPAddress.Family
    /// Nil when the line is in error; the rest of the block is judged all the same.
    let target: VirtualTarget?
    var values = DirectiveValues()
    var reals: [RealLine] = []
    var fallback: FallbackLine?
}

/// What virtual servers take from the global lines of the file.
struct InheritedSettings {
    var values = DirectiveValues()
    var fallback: FallbackLine?
    var fallback6: FallbackLine?

    /// A time-out of a block: one of the other kind in the block beats one of the same kind in the file.
    func timeout(_ kind: DirectiveName, _ other: DirectiveName, in block: DirectiveValues) -> Duration? {
        block.duration(kind) ?? block.duration(other) ?? values.duration(kind) ?? values.duration(other)
    }
}
