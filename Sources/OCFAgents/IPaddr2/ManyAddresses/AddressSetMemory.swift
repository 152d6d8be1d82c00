// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

/// What start added from a file, kept until stop: the file may be changed or gone by then.
struct AddressSetMemory: Sendable {
    let path: String

    /// Notes members and their interfaces.
    func save(_ text: String) throws(SystemError) {
        if let slash = path.lastIndex(of: "/") {
            try TextFile.makeDirectory(String(path[..<slash]))
        }
        try TextFile.write(path, text)
    }

    /// The items that were noted; none when there are none.
    var items: [AddressList.Item] {
        guard let text = try? TextFile.read(path, limit: 1 << 20), !text.isEmpty else {
            return []
        }
        let list = AddressList(text) { (_) throws(AddressList.Refusal) in "" }
        return list.items
    }

    /// Forgets them.
    func forget() { _ = unlink(path) }
}
