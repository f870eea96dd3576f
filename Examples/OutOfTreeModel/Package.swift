// swift-tools-version: 6.1
import PackageDescription

let settings: [SwiftSetting] = [.enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault")]

let package = Package(
  name: "out-of-tree-model",
  dependencies: [.package(name: "aviary", path: "../..")],
  targets: [
    .target(name: "ViPLLaVA", dependencies: [.product(name: "AviaryModels", package: "aviary")], swiftSettings: settings),
    .executableTarget(name: "vip", dependencies: ["ViPLLaVA", .product(name: "AviaryCommands", package: "aviary")], swiftSettings: settings),
    .testTarget(
      name: "ViPLLaVATests", dependencies: ["ViPLLaVA", .product(name: "AviaryTesting", package: "aviary"), .product(name: "AviaryModels", package: "aviary")], exclude: ["config.json", "vip-single"],
      swiftSettings: settings),
  ]
)
