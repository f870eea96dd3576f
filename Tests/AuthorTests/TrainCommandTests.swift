import CoreTestSupport
import Foundation
import Testing

/// `aviary train`, its report, and the two ways to merge what came out.
struct TrainCommandTests {
  @Test func anAdapterIsTrainedDrawnAndMerged() throws {
    let folder = try TemporaryFolder()
    let (at, model) = (folder.path, "\(Program.repository)/Tests/Golden/llava-hf-single/model")
    try folder.write("data.jsonl", #"{"messages": [{"role": "user", "content": "One and one?"}, {"role": "assistant", "content": "Two."}]}"#)
    try folder.write("train.yaml", "model: \(model)\noutput: run\ndata: {all: data.jsonl}\nlora: {rank: 2, targets: [q_proj]}\nbatch: 1\nsteps: 3\nrate: 1e-2\n")
    let trained = try Program.aviary.run(["train", "\(at)/train.yaml"])
    #expect(trained.code == 0 && trained.output == "\(at)/run/step-3\n", "\(trained.errors)")
    let drawn = try Program.aviary.run(["train", "report", "\(at)/run"])
    #expect(drawn.code == 0 && drawn.output == "\(at)/run/losses.svg\n\(at)/run/losses.png\n", "\(drawn.errors)")
    try Program.aviary.expectRefusal(["train", "report", at], "no metrics.jsonl")
    // Options before the file and behind it are those of `train FILE`.
    #expect(try Program.aviary.run(["train", "--show", "1", "\(at)/train.yaml"]).output.contains("⟦"))
    try Program.aviary.expectRefusal(["train", "\(at)/train.yaml"], "the run folder is there already")

    let adapter = "\(at)/run/step-3=0.5"
    let merged = try Program.aviary.run(["merge", model, "--adapter", adapter, "-o", "\(at)/merged"])
    let converted = try Program.aviary.run(["convert", model, "--merge", "--adapter", adapter, "--to", "\(at)/converted"])
    #expect(merged.code == 0 && converted.code == 0, "\(merged.errors)\(converted.errors)")
    #expect(merged.output.contains(": 4 tensors changed") && converted.output.contains(": 4 tensors changed"), "\(converted.output)")
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(at)/merged").sorted()
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(at)/converted").sorted() == names)
    for name in names { #expect(FileManager.default.contentsEqual(atPath: "\(at)/merged/\(name)", andPath: "\(at)/converted/\(name)"), "\(name)") }

    try Program.aviary.expectRefusal(["convert", model, "--merge", "--to", "\(at)/none"], "no adapter")
    let half = try Program.aviary.run(["convert", model, "--merge", "--adapter", adapter, "--to", "\(at)/half", "--weights", "f16"])
    #expect(half.code == 0, "\(half.errors)")
    func size(_ folder: String) throws -> Int { try #require(try FileManager.default.attributesOfItem(atPath: "\(at)/\(folder)/model.safetensors")[.size] as? Int) }
    #expect(try size("half") < size("merged") * 6 / 10)
    try Program.aviary.expectRefusal(["convert", model, "--to", "\(at)/none"], "\(at)/none", "--weights")
    try Program.aviary.expectRefusal(["convert", model, "--to", "\(at)/none", "--weights", "q8_0"], "q8_0", "one of f32, f16, bf16")
    try Program.aviary.expectRefusal(["convert", model, "--to", "\(at)/none", "--weights", "f16", "--vision", "f32"], "vision tower", "--vision")
    try Program.aviary.expectRefusal(["convert", model, "--to", "\(at)/none", "--weights", "f16", "--adapter", "f32"], "f32", "--adapter")
    try Program.aviary.expectRefusal(["convert", model, "--merge", "--adapter", adapter, "--to", "\(at)/m.gguf"], "m.gguf", "--merge", "--to")
    try Program.aviary.expectRefusal(["convert", model, "--adapter", "f16", "--adapter", "f32", "--to", "\(at)/m.gguf"], "2 types", "--merge")
    try Program.aviary.expectRefusal(["convert", model, "--to", "\(at)/folder"], "ends in .gguf")
  }

  @Test func picturesOfTextHaveNoNumberOfShapes() throws {
    let folder = try TemporaryFolder()
    try Program.aviary.expectRefusal(["scenes", "--font", "any.ttf", "--shapes", "2", "--count", "1", "-o", folder.path + "/text"], "--shapes", "--font")
    try Program.aviary.expectRefusal(["scenes", "--strewn", "--count", "1", "-o", folder.path + "/text"], "--strewn without --font")
  }
}
