// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// A Swift library of the project with the project's strict settings.
func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// A program of the project.
///
/// One that starts many times a minute and needs only libraries that exist as archives is linked fully statically: it
/// starts in a millisecond, half the time that the dynamic linker takes.
func program(_ name: String, isStatic: Bool = false, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name,
        dependencies: dependencies,
        swiftSettings: strict,
        linkerSettings: isStatic ? [.unsafeFlags(["-static-executable"], .when(configuration: .release))] : []
    )
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let package = Package(
    name: "vervet",
    products: [
        .executable(name: "vervet-ocf", targets: ["Agents"]),
        .executable(name: "send_arp", targets: ["SendArp"]),
        .executable(name: "ldirectord", targets: ["LDirector"]),
        .executable(name: "heartbeat", targets: ["Heartbeat"]),
        .executable(name: "syncrelay", targets: ["SyncRelay"]),
        .executable(name: "configsync", targets: ["ConfigSync"]),
        .executable(name: "vervet", targets: ["Vervet"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        // C: what Swift cannot import by itself.
        .target(name: "CLinuxShims"),
        .systemLibrary(
            name: "CNetlink",
            pkgConfig: "libnl-route-3.0",
            providers: [.apt(["libnl-3-dev", "libnl-genl-3-dev", "libnl-route-3-dev"])]
        ),
        .systemLibrary(
            name: "CCorosync",
            providers: [
                .apt(["libcpg-dev", "libcfg-dev", "libcmap-dev", "libquorum-dev", "libcorosync-common-dev"])
            ]
        ),
        .systemLibrary(name: "CGcrypt", providers: [.apt(["libgcrypt20-dev"])]),

        .systemLibrary(name: "CPCRE2", providers: [.apt(["libpcre2-dev"])]),
        .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),

        // Libraries, each depending only on those above it.
        module("LinuxKit", ["CLinuxShims"]),
        module("Netlink", ["CNetlink", "CLinuxShims", "LinuxKit"]),
        module("IPVS", ["CNetlink", "Netlink", "LinuxKit"]),
        module("NeighborPackets", ["CLinuxShims", "LinuxKit"]),
        module("Corosync", ["CCorosync", "CLinuxShims", "LinuxKit"]),
        module("LDirectorConfig", ["LinuxKit"]),
        module("HealthChecks", ["CLinuxShims", "CPCRE2", "COpenSSL", "LinuxKit"]),
        module(
            "LDirectorCore",
            [
                "LDirectorConfig", "HealthChecks", "IPVS", "LinuxKit", "CLinuxShims",
            ]
        ),
        module("ConfigSyncCore", ["CGcrypt", "LinuxKit"]),
        module("ConfigSyncControl", ["LinuxKit"]),
        module("VervetCore", ["IPVS", "LinuxKit"]),
        module("HeartbeatCore", ["Corosync", "CGcrypt", "Netlink", "NeighborPackets", "LinuxKit", "CLinuxShims"]),
        module("SyncRelayCore", ["Corosync", "HeartbeatCore", "IPVS", "LinuxKit", "CLinuxShims"]),
        module("OCFAgents", ["Netlink", "IPVS", "NeighborPackets", "LinuxKit", "CLinuxShims"]),

        // Programs: parse arguments, build real dependencies, call a library, map the error to an exit code.
        program("Agents", isStatic: true, ["OCFAgents", "LinuxKit"]),
        program("SendArp", isStatic: true, ["NeighborPackets", "Netlink", "LinuxKit"]),
        program("LDirector", ["LDirectorCore", "LinuxKit", "CLinuxShims"]),
        program("Vervet", isStatic: true, ["VervetCore", "ConfigSyncControl", "IPVS", "Netlink", "LinuxKit"]),
        program(
            "ConfigSync",
            ["ConfigSyncControl", "ConfigSyncCore", "Corosync", "LDirectorCore", "LinuxKit", "CLinuxShims"]
        ),
        program(
            "Heartbeat",
            [
                "HeartbeatCore", "LinuxKit",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]
        ),
        program(
            "SyncRelay",
            [
                "SyncRelayCore", "LinuxKit",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]
        ),

        // Tests: pure units, then the real kernel in namespaces (root), then the kernel with IPVS (lab guest).
        tests("LinuxKitTests", ["LinuxKit"]),
        tests("NetlinkTests", ["Netlink", "LinuxKit"]),
        tests("IPVSTests", ["IPVS", "Netlink", "LinuxKit"]),
        tests("NeighborPacketsTests", ["NeighborPackets", "LinuxKit"]),
        tests("CorosyncTests", ["Corosync", "CCorosync", "LinuxKit"]),
        tests("LDirectorConfigTests", ["LDirectorConfig", "LinuxKit"]),
        tests("HealthChecksTests", ["HealthChecks", "LinuxKit"]),
        tests("LDirectorCoreTests", ["LDirectorCore", "LDirectorConfig", "HealthChecks", "IPVS", "LinuxKit"]),
        tests("HeartbeatCoreTests", ["HeartbeatCore", "NeighborPackets", "LinuxKit"]),
        tests("SyncRelayCoreTests", ["SyncRelayCore", "IPVS", "LinuxKit"]),
        tests("ConfigSyncCoreTests", ["ConfigSyncCore", "LinuxKit"]),
        tests("VervetCoreTests", ["VervetCore", "IPVS", "LinuxKit"]),
        tests("OCFAgentsTests", ["OCFAgents", "IPVS", "Netlink", "NeighborPackets", "LinuxKit"]),
        tests("NetnsTests", ["OCFAgents", "NeighborPackets", "Netlink", "LinuxKit", "CLinuxShims"]),
        tests("GuestTests", ["IPVS", "Netlink", "LDirectorCore", "LDirectorConfig", "LinuxKit", "CLinuxShims"]),
    ]
)
