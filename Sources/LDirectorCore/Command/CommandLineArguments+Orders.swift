// SPDX-License-Identifier: Apache-2.0

extension CommandLineArguments {
    /// What the usage text says of orders.
    static let ordersUsage = """
          ORDER           drain SERVER [limit=SECONDS], disable SERVER, enable SERVER, weight SERVER NUMBER, recheck SERVER;
                          each may end with service=SERVICE. SERVER is ADDRESS or ADDRESS:PORT, as status shows it
        """

    /// Reads `[CONFIGURATION] drain SERVER …`; nil when the words are no order.
    ///
    /// - Throws: ``UsageError`` for an order that is not understood.
    static func order(_ operands: some Collection<String>) throws(UsageError) -> (configuration: String?, text: String)?
    {
        // A configuration may be called as an order is.
        guard operands.count != 2 || Action(rawValue: Array(operands)[1]) == nil else {
            return nil
        }
        for (configuration, words) in [(nil, Array(operands)), (operands.first, Array(operands.dropFirst()))] {
            let text = words.joined(separator: " ")
            do throws(OperatorRequest.SyntaxError) {
                if try OperatorRequest(text) != nil {
                    return (configuration, text)
                }
            } catch {
                throw UsageError(description: error.description)
            }
        }
        return nil
    }
}
