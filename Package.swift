// swift-tools-version: 6.1
import PackageDescription

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
  name: "aviary",
  products: [],
  dependencies: [],
  targets: [
    .target(name: "AviaryTensor", swiftSettings: settings),
    .target(name: "AviaryCore", dependencies: ["AviaryTensor"], swiftSettings: settings),
    .target(name: "AviaryNN", dependencies: ["AviaryCore", "AviaryTensor"], swiftSettings: settings),
    .target(name: "AviaryParts", dependencies: ["AviaryNN", "AviaryCore", "AviaryTensor"], swiftSettings: settings),
  ]
)
