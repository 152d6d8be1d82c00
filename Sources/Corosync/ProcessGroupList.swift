// SPDX-License-Identifier: Apache-2.0
import CCorosync

/// Looks at process groups of others without joining them (cpg_iteration_initialize(3)); every call waits for Corosync
/// without a limit.
public struct ProcessGroupList: ~Copyable {
    private let handle: cpg_handle_t

    /// Connects to the local Corosync.
    ///
    /// - Throws: ``CorosyncError``; `.disconnected` when no Corosync runs.
    public init() throws(CorosyncError) {
        var model = cpg_model_v1_data_t()
        model.model = CPG_MODEL_V1
        var handle: cpg_handle_t = 0
        let result = withUnsafeMutablePointer(to: &model) {
            $0.withMemoryRebound(to: cpg_model_data_t.self, capacity: 1) {
                cpg_model_initialize(&handle, CPG_MODEL_V1, $0, nil)
            }
        }
        try check("cpg_model_initialize", result)
        self.handle = handle
    }

    deinit {
        // After the loss of Corosync this fails, and there is nothing left to free.
        _ = cpg_finalize(handle)
    }

    /// The members of a group; none of one that does not exist.
    ///
    /// - Throws: ``CorosyncError``.
    public borrowing func members(of name: String) throws(CorosyncError) -> Set<ProcessGroup.Member> {
        var group = cpg_name()
        let bytes = Array(name.utf8.prefix(Int(CPG_MAX_NAME_LENGTH)))
        group.length = UInt32(bytes.count)
        withUnsafeMutableBytes(of: &group.value) { $0.copyBytes(from: bytes) }
        var iteration: cpg_iteration_handle_t = 0
        try check(
            "cpg_iteration_initialize",
            cpg_iteration_initialize(handle, CPG_ITERATION_ONE_GROUP, &group, &iteration)
        )
        defer { _ = cpg_iteration_finalize(iteration) }
        var members: Set<ProcessGroup.Member> = []
        while true {
            var entry = cpg_iteration_description_t()
            let result = cpg_iteration_next(iteration, &entry)
            if result == CS_ERR_NO_SECTIONS {
                return members
            }
            try check("cpg_iteration_next", result)
            members.insert(ProcessGroup.Member(node: entry.nodeid, pid: entry.pid))
        }
    }
}
