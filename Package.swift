// swift-tools-version: 6.1
import Foundation
import PackageDescription

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

/// A Swift target below Sources, with the house's settings.
func module(_ name: String, _ dependencies: [Target.Dependency] = [], path: String? = nil, exclude: [String] = [], plugins: [Target.PluginUsage] = []) -> Target {
  .target(name: name, dependencies: dependencies, path: path, exclude: exclude, swiftSettings: settings, plugins: plugins)
}

/// A test target below Tests.
func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [], resources: [Resource] = []) -> Target {
  .testTarget(name: name, dependencies: dependencies, exclude: exclude, resources: resources, swiftSettings: settings)
}

/// The README of each family, which is no source.
let familyReadmes = ((try? FileManager.default.contentsOfDirectory(atPath: "\(Context.packageDirectory)/Plugins/Architectures")) ?? [])
  .map { "\($0)/README.md" }
  .filter { FileManager.default.fileExists(atPath: "\(Context.packageDirectory)/Plugins/Architectures/\($0)") }

let core: [Target.Dependency] = ["AviaryCore", "AviaryTensor"]

let package = Package(
  name: "aviary",
  products: [
    .executable(name: "aviary", targets: ["aviary"]),
    .library(name: "AviaryRuntime", targets: ["AviaryRuntime"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
  ],
  targets: [
    // Libraries of the system
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CWebP", pkgConfig: "libwebpdemux", providers: [.apt(["libwebp-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
    .target(name: "CImageShim", dependencies: ["CJPEG", "CPNG", "CWebP"]),
    .target(name: "CSentencePieceShim", linkerSettings: [.linkedLibrary("sentencepiece")]),

    // The core, from the bottom up
    module("AviaryTensor"),
    module("AviaryCore", ["AviaryTensor"]),
    module("AviaryNN", core),
    module("AviaryParts", core + ["AviaryNN"]),
    module("AviaryFormats", core),
    module("AviaryMedia", core + ["CImageShim", "CCrypto"]),
    module("AviaryText", core + ["CPCRE2", "CSentencePieceShim"]),

    // Plugins
    .executableTarget(name: "RegistryTool", path: "Plugins/Tools/RegistryTool", swiftSettings: settings),
    .plugin(name: "Registry", capability: .buildTool(), dependencies: ["RegistryTool"], path: "Plugins/Tools/Registry"),
    module(
      "Architectures", core + ["AviaryParts", "AviaryNN", "AviaryMedia", "AviaryText"], path: "Plugins/Architectures", exclude: familyReadmes,
      plugins: ["Registry"]),
    // Kernels at -O0 are up to fifty times slower, so that debug builds would be of no use.
    .target(name: "CAviaryKernels", path: "Plugins/Backends/CPU/Kernels", cSettings: [.unsafeFlags(["-O3", "-fno-math-errno"])], linkerSettings: [.linkedLibrary("m")]),
    module("BackendCPU", ["AviaryTensor", "CAviaryKernels"], path: "Plugins/Backends/CPU", exclude: ["Kernels"]),

    .executableTarget(name: "kernel-bench", dependencies: ["CAviaryKernels", "COpenBLAS"], path: "Benchmarks/kernels", cSettings: [.unsafeFlags(["-O2"])]),

    // Front
    module(
      "AviaryRuntime", core + ["AviaryFormats", "AviaryMedia", "AviaryText", "Architectures", "BackendCPU", "Yams"]),
    .executableTarget(
      name: "aviary", dependencies: core + ["AviaryRuntime", "AviaryFormats", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      swiftSettings: settings),

    // Tests
    .target(name: "TensorTestSupport", dependencies: ["AviaryTensor"], path: "Tests/TensorTestSupport", swiftSettings: settings),
    tests("AviaryTensorTests", ["AviaryTensor", "TensorTestSupport"]),
    tests("BackendContractTests", ["AviaryTensor", "TensorTestSupport", "BackendCPU"]),
    tests("BackendCPUTests", ["BackendCPU", "AviaryTensor", "TensorTestSupport", "CAllocationCount"]),
    tests("CPUKernelTests", ["CAviaryKernels"]),
    module("CoreTestSupport", core + ["AviaryFormats", "AviaryNN", "AviaryParts"], path: "Tests/CoreTestSupport"),
    .target(name: "CAllocationCount", path: "Tests/CAllocationCount"),
    tests("AviaryCoreTests", core + ["AviaryFormats", "AviaryNN", "AviaryParts", "CoreTestSupport"]),
    tests("AviaryPartsTests", core + ["AviaryNN", "AviaryParts", "Architectures", "CoreTestSupport"]),
    tests("AviaryRuntimeTests", core + ["AviaryFormats", "AviaryRuntime", "CoreTestSupport", "CAllocationCount"]),
    tests("GoldenTests", core + ["AviaryFormats", "AviaryRuntime", "CoreTestSupport"]),
    tests("FamilyTests", core + ["Architectures", "AviaryNN", "AviaryParts", "AviaryFormats", "AviaryMedia", "AviaryText", "AviaryRuntime", "CoreTestSupport"]),
    tests("HouseTests", core + ["AviaryRuntime"]),
    tests("AviaryFormatsTests", core + ["AviaryFormats"]),
    tests("AviaryMediaTests", core + ["AviaryMedia"], exclude: ["Fixtures"]),
    tests("AviaryTextTests", core + ["AviaryText"], exclude: ["Fixtures"]),
    tests("AviaryTemplateTests", core + ["AviaryText"], exclude: ["Fixtures"]),
  ]
)
