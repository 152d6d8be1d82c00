// SPDX-License-Identifier: Apache-2.0

extension LifeCycleSettings {
    /// The settings of a block over those of the file.
    init(_ block: DirectiveValues, inherited: DirectiveValues) {
        self.init()
        riseCount = block.count(.risecount) ?? inherited.count(.risecount) ?? riseCount
        warmup = block.duration(.warmup) ?? inherited.duration(.warmup) ?? warmup
        depoolThreshold = block.count(.depoolthreshold) ?? inherited.count(.depoolthreshold) ?? depoolThreshold
        let word = block.text(.reconcile) ?? inherited.text(.reconcile)
        reconciliation = word.flatMap(Reconciliation.init(rawValue:)) ?? reconciliation
        drainLimit = block.duration(.drainlimit) ?? inherited.duration(.drainlimit) ?? drainLimit
        tellsFallbackCommandOnStop =
            block.flag(.fallbackcommandonstop) ?? inherited.flag(.fallbackcommandonstop) ?? false
    }
}
