import AviaryCore
import AviaryRuntime
import AviaryTensor
import BackendVulkan
import CoreTestSupport
import Foundation
import Testing

/// Random numbers are stored as a checkpoint's would be, so that what is measured with them is what runs.
@Suite struct RandomWeightTests {
  @Test(arguments: ["llava-hf-single", "deepseek-vl-hf-single", "qwen-vl-chat-single", "vary-toy-ocr", "flamingo-idefics-single"], [DType.q4_0, .q8_0])
  func theSameTensorsAreQuantised(_ name: String, _ type: DType) throws {
    // Where the recorded runs are not beside the package, those in it are left.
    guard let folder = Golden.find(name) else { return }
    let (loader, backend) = (ModelLoader(Surroundings(environment: [:], home: "/nonexistent")), try VulkanBackend(BackendOptions()))
    let loaded = try loader.load(folder + "/model", on: backend, weights: WeightTypes(language: type, vision: type))
    let random = try loader.load(folder + "/model", on: backend, random: type)
    let types = Dictionary(zip(random.weights.names, random.weights.shapes.all).map { ($0, $1.dtype) }, uniquingKeysWith: { first, _ in first })
    var count = 0
    for (name, weight) in zip(loaded.weights.names, loaded.weights.shapes.all) where weight.dtype.isQuantised {
      #expect(types[name] == weight.dtype, "\(name)")
      count += 1
    }
    #expect(count > 4)
    // What a checkpoint never quantises is a float here, too; an adapter's matrices are left as they are there.
    for (name, dtype) in types where dtype.isQuantised { #expect(name.hasSuffix("weight") && !name.contains("position"), "\(name)") }
  }
}
