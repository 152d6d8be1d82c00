// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import NeighborPackets
import Netlink

/// The process that sends the rounds after the first, so that start need not wait for them.
///
/// It has a session and standard streams of its own, because the cluster manager kills an agent's process group and
/// other callers wait for the end of its output. It ends by itself, at once when the address has gone.
enum DetachedAnnouncer {
    /// Starts an announcer after ending an earlier one of the same resource.
    ///
    /// It gets the sender's packet socket as standard input: the last close of one makes the kernel wait for a grace
    /// period, and an agent that keeps nothing open to the last need not wait for it.
    ///
    /// - Throws: ``SystemError`` when the process cannot be started.
    static func start(_ job: AnnouncerJob, _ sender: any RoundSender) throws(SystemError) {
        try start(job.arguments, identityFile: job.identityFile, descriptor: sender.descriptor)
    }

    /// The same for the arguments of any announcer.
    static func start(_ arguments: [String], identityFile: String, descriptor: CInt?) throws(SystemError) {
        try end(identityFile: identityFile)
        if let slash = identityFile.lastIndex(of: "/") {
            try TextFile.makeDirectory(String(identityFile[..<slash]))
        }
        let child = try ChildProcess.start(
            [program] + arguments,
            environment: [],
            group: .session,
            standardStreams: (descriptor, nil, nil)
        )
        guard let identity = ProcessIdentity(pid: child.pid) else {
            // It has ended already: nothing is left to stop.
            return
        }
        // Written here and not by the announcer, so that a stop right after this start finds it.
        try TextFile.write(identityFile, identity.text)
    }

    /// Ends the announcer of a resource, if one runs, and removes its file.
    ///
    /// A file that names a process which is not ours ends nothing: number and start time must both agree.
    ///
    /// - Throws: ``SystemError`` when the announcer cannot be ended.
    static func end(identityFile: String) throws(SystemError) {
        guard let text = try? TextFile.read(identityFile, limit: 256) else {
            return
        }
        if let identity = ProcessIdentity(text: text) {
            try identity.end(grace: .milliseconds(200), until: .silent)
        }
        _ = unlink(identityFile)
    }

    /// Runs as the announcer.
    ///
    /// - Parameter arguments: The arguments behind the program's path.
    /// - Returns: The exit status.
    static func run(_ arguments: [String]) -> Int32 {
        guard let job = AnnouncerJob(arguments: arguments) else {
            return OCFExit.arguments.rawValue
        }
        defer { removeOwn(job.identityFile) }
        do {
            let socket = try NetlinkSocket(.route)
            guard let link = try socket.links().first(where: { $0.index == job.interfaceIndex }),
                let sender = try job.sender(on: link, inherited: 0)
            else {
                return OCFExit.generic.rawValue
            }
            for _ in 0..<job.rounds {
                usleep(UInt32(job.intervalMilliseconds) * 1000)
                // The address may have moved to another node meanwhile; announcing it from here would take it back.
                let isHere = try socket.addresses(job.address.family).contains {
                    $0.address == job.address && $0.interfaceIndex == job.interfaceIndex
                }
                guard isHere else {
                    break
                }
                try sender.sendRound()
            }
            return OCFExit.success.rawValue
        } catch {
            return OCFExit.generic.rawValue
        }
    }

    /// The path of this program's file, which survives a change of the name it was called by.
    private static var program: String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        return length > 0 ? String(nulTerminated: buffer) : "/proc/self/exe"
    }

    /// Removes the file of this process, unless another has taken its place.
    static func removeOwn(_ identityFile: String) {
        guard let text = try? TextFile.read(identityFile, limit: 256),
            ProcessIdentity(text: text) == ProcessIdentity.current
        else {
            return
        }
        _ = unlink(identityFile)
    }
}
