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
    // For authors of families and backends (docs/adding-a-model.md, docs/adding-a-backend.md)
    .library(name: "AviaryModels", targets: ["AviaryTensor", "AviaryCore", "AviaryNN", "AviaryParts", "AviaryMedia", "AviaryText"]),
    .library(name: "AviaryCommands", targets: ["AviaryCommands"]),
    .library(name: "AviaryTesting", targets: ["AviaryTesting"]),
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
    .systemLibrary(name: "CFreeType", pkgConfig: "freetype2", providers: [.apt(["libfreetype-dev"])]),
    .systemLibrary(name: "CGlslang", providers: [.apt(["glslang-dev"])]),
    .target(name: "CMappingShim"),
    .target(name: "CImageShim", dependencies: ["CJPEG", "CPNG", "CWebP"], exclude: ["font"]),
    .target(name: "CFontShim", dependencies: ["CFreeType"]),
    .target(name: "CSentencePieceShim", linkerSettings: [.linkedLibrary("sentencepiece")]),

    // The core, from the bottom up
    module("AviaryTensor"),
    module("AviaryCore", ["AviaryTensor"]),
    module("AviaryNN", core),
    module("AviaryParts", core + ["AviaryNN"]),
    module("AviaryTrain", core),
    module("AviaryFormats", core + ["CMappingShim"]),
    module("AviaryMedia", core + ["CImageShim", "CCrypto"]),
    module("AviaryFonts", ["AviaryTensor", "CFontShim"]),
    module("AviaryText", core + ["CPCRE2", "CSentencePieceShim"]),

    // Plugins
    .executableTarget(name: "RegistryTool", path: "Plugins/Tools/RegistryTool", swiftSettings: settings),
    .executableTarget(name: "BuildNumberTool", path: "Plugins/Tools/BuildNumberTool", swiftSettings: settings),
    .plugin(name: "BuildNumber", capability: .buildTool(), dependencies: ["BuildNumberTool"], path: "Plugins/Tools/BuildNumber"),
    .executableTarget(name: "EmbedTool", path: "Plugins/Tools/EmbedTool", swiftSettings: settings),
    .plugin(name: "ExampleFamily", capability: .buildTool(), dependencies: ["EmbedTool"], path: "Plugins/Tools/ExampleFamily"),
    .plugin(name: "Registry", capability: .buildTool(), dependencies: ["RegistryTool"], path: "Plugins/Tools/Registry"),
    module(
      "Architectures", core + ["AviaryParts", "AviaryNN", "AviaryMedia", "AviaryText"], path: "Plugins/Architectures", exclude: familyReadmes,
      plugins: ["Registry"]),
    // Kernels at -O0 are up to fifty times slower, so that debug builds would be of no use.
    .target(name: "CAviaryKernels", path: "Plugins/Backends/CPU/Kernels", cSettings: [.unsafeFlags(["-O3", "-fno-math-errno"])], linkerSettings: [.linkedLibrary("m")]),
    module("BackendCPU", ["AviaryTensor", "CAviaryKernels"], path: "Plugins/Backends/CPU", exclude: ["Kernels", "README.md"]),

    // Vulkan is opened when it is asked for, never linked; only its headers are needed here.
    .executableTarget(name: "ShaderTool", dependencies: ["CGlslang"], path: "Plugins/Tools/ShaderTool", swiftSettings: settings),
    .plugin(name: "Shaders", capability: .buildTool(), dependencies: ["ShaderTool"], path: "Plugins/Tools/Shaders"),
    module("VulkanShaders", path: "Shaders", exclude: ["include"], plugins: ["Shaders"]),
    .target(name: "CAviaryVulkan", path: "Plugins/Backends/Vulkan/Loader"),
    module("BackendVulkan", ["AviaryTensor", "CAviaryVulkan", "VulkanShaders"], path: "Plugins/Backends/Vulkan", exclude: ["Loader"]),

    .executableTarget(name: "kernel-bench", dependencies: ["CAviaryKernels", "COpenBLAS"], path: "Benchmarks/kernels", cSettings: [.unsafeFlags(["-O2"])]),

    // Front
    module(
      "AviaryRuntime", core + ["AviaryTrain", "AviaryFormats", "AviaryMedia", "AviaryFonts", "AviaryText", "Architectures", "AviaryParts", "BackendCPU", "BackendVulkan", "Yams"], plugins: ["BuildNumber"]),
    module("AviaryTesting", core + ["AviaryRuntime", "AviaryFormats", "AviaryText"]),
    // Shared libraries find the core's symbols in the program that loads them, whoever builds that program.
    .target(
      name: "AviaryCommands", dependencies: core + ["AviaryRuntime", "AviaryFormats", "AviaryTesting", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      swiftSettings: settings, linkerSettings: [.unsafeFlags(["-Xlinker", "--export-dynamic"])], plugins: ["ExampleFamily"]),
    .executableTarget(name: "aviary", dependencies: ["AviaryCommands"], swiftSettings: settings),

    // Examples: what the guides in docs build, compiled and tested here as well
    module("SmallBackend", ["AviaryTensor"], path: "Examples/SmallBackend"),
    module("ViPLLaVA", core + ["AviaryNN", "AviaryParts", "AviaryMedia", "AviaryText"], path: "Examples/OutOfTreeModel/Sources/ViPLLaVA"),
    .executableTarget(name: "vip", dependencies: ["ViPLLaVA", "AviaryCommands"], path: "Examples/OutOfTreeModel/Sources/vip", swiftSettings: settings),
    .testTarget(
      name: "ViPLLaVATests", dependencies: ["ViPLLaVA", "AviaryTensor", "AviaryTesting"], path: "Examples/OutOfTreeModel/Tests/ViPLLaVATests",
      exclude: ["config.json", "vip-single"], swiftSettings: settings),

    // Tests
    .target(name: "TensorTestSupport", dependencies: ["AviaryTensor"], path: "Tests/TensorTestSupport", swiftSettings: settings),
    tests("AviaryTensorTests", ["AviaryTensor", "TensorTestSupport"]),
    tests("BackendContractTests", ["AviaryTensor", "TensorTestSupport", "BackendCPU", "BackendVulkan", "SmallBackend"]),
    tests("BackendCPUTests", ["BackendCPU", "AviaryTensor", "TensorTestSupport", "CAllocationCount"]),
    tests("BackendVulkanTests", ["BackendVulkan", "BackendCPU", "CAviaryVulkan", "VulkanShaders", "AviaryTensor", "TensorTestSupport"]),
    tests("CPUKernelTests", ["CAviaryKernels"]),
    module("CoreTestSupport", core + ["AviaryFormats", "AviaryNN", "AviaryParts", "AviaryTesting"], path: "Tests/CoreTestSupport"),
    .target(name: "CAllocationCount", path: "Tests/CAllocationCount"),
    tests("AviaryCoreTests", core + ["AviaryFormats", "AviaryNN", "AviaryParts", "CoreTestSupport"]),
    tests("AviaryPartsTests", core + ["AviaryNN", "AviaryParts", "Architectures", "CoreTestSupport"]),
    tests("AviaryRuntimeTests", core + ["AviaryFormats", "AviaryMedia", "AviaryRuntime", "BackendCPU", "CoreTestSupport", "CAllocationCount"]),
    tests("GoldenTests", core + ["AviaryFormats", "AviaryRuntime", "BackendVulkan", "AviaryTrain", "CoreTestSupport"]),
    tests("FamilyTests", core + ["Architectures", "AviaryNN", "AviaryParts", "AviaryFormats", "AviaryMedia", "AviaryText", "AviaryRuntime", "AviaryTesting", "CoreTestSupport"]),
    tests("AviaryTrainTests", core + ["AviaryTrain", "AviaryFormats", "TensorTestSupport", "CoreTestSupport", "BackendCPU"], exclude: ["Fixtures"]),
    tests("AuthorTests", core + ["AviaryRuntime", "AviaryFormats", "AviaryTesting", "CoreTestSupport"]),
    tests("HouseTests", core + ["AviaryRuntime", "AviaryTesting"]),
    tests("AviaryFormatsTests", core + ["AviaryFormats", "CoreTestSupport"], exclude: ["Fixtures"]),
    tests("AviaryMediaTests", core + ["AviaryMedia"], exclude: ["Fixtures"]),
    tests("AviaryTextTests", core + ["AviaryText"], exclude: ["Fixtures"]),
    tests("AviaryTemplateTests", core + ["AviaryText"], exclude: ["Fixtures"]),
  ]
)
