import AviaryCore
import AviaryRuntime
import AviaryTensor
import BackendVulkan
import CoreTestSupport
import Foundation
import Testing

/// Recorded runs of every family on a Vulkan device. One of each here; all of them where `AVIARY_TEST_ALL` is 1, as
/// `scripts/test --all` sets it.
@Suite(.serialized) struct VulkanTests {
  static let isWhole = ProcessInfo.processInfo.environment["AVIARY_TEST_ALL"] == "1"
  static let oneOfEach = [
    "llava-hf-single", "llava-next-odd", "yi-vl-single", "flamingo-mpt1b-single", "flamingo-idefics-single", "qwen-vl-chat-single", "vary-toy-ocr",
    "deepseek-vl-hf-single", "minigpt4-single",
  ]
  /// LLaVA's and Yi's run on every backend elsewhere.
  static let cases =
    isWhole ? Golden.cases("flamingo-", "qwen-vl-", "vary-", "deepseek-vl-", "minigpt4-") : oneOfEach.dropFirst(3).compactMap { Golden.find($0) }

  static func run(_ folder: String, _ options: BackendOptions = BackendOptions()) throws -> GoldenRunner.Outcome {
    let loader = ModelLoader(Surroundings(environment: [:], home: "/nonexistent"))
    return try GoldenRunner(loader).run(GoldenCase(folder), on: VulkanBackend(options))
  }

  @Test(arguments: cases) func aRecordedRunIsRepeated(folder: String) throws {
    let outcome = try Self.run(folder)
    for row in outcome.report.rows { #expect(row.passes, "\(row.name) is \(row.relative) off (tolerance \(row.tolerance)) \(row.note)") }
    #expect(outcome.report.passes)
    #expect(outcome.report.rows.count >= 3)
  }

  /// Khronos' layers, synchronisation included, have nothing to say about any family.
  @Test(
    .enabled(if: Validation.isInstalled, "the validation layers are not installed (Debian: vulkan-validationlayers)"),
    arguments: isWhole ? oneOfEach : Array(oneOfEach.prefix(2)))
  func theValidationLayersAreSilent(name: String) throws {
    // Where the recorded runs are not beside the package, those in it are left.
    guard let folder = Golden.find(name) else { return }
    var options = BackendOptions()
    options.extra = ["validate": "1", "force-device": "1"]
    let outcome = try Self.run(folder, options)
    #expect(outcome.report.passes)
    #expect(Validation.messages.isEmpty, "\(Validation.messages.prefix(3).joined(separator: "\n"))")
  }
}
