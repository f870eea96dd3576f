import AviaryCore
import AviaryFormats
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Foundation
import Testing

/// `aviary train` from its configuration to its checkpoints, on the miniature checkpoint of this repository.
@Suite struct TrainingRunTests {
  private static let model = Golden.ownFolder + "/llava-hf-single/model"
  private static let loader = ModelLoader(Surroundings(environment: [:], home: "/nonexistent"))

  private static func backend() throws -> any Backend {
    var options = BackendOptions()
    options.threads = 2
    return try Backends().open("cpu", options)
  }

  /// A folder with three conversations, two of them about a picture.
  static func folder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(atPath: Golden.ownFolder + "/images/a-cat.png", toPath: folder.path + "/cat.png")
    try folder.write(
      "data.jsonl",
      """
      {"messages": [{"role": "user", "content": "<image>What is it?"}, {"role": "assistant", "content": "A cat."}], "images": ["cat.png"]}

      {"image": "cat.png", "conversations": [{"from": "human", "value": "<image>\\nIs it a dog?"}, {"from": "gpt", "value": "No."}]}
      {"messages": [{"role": "user", "content": "One and one?"}, {"role": "assistant", "content": "Two."}]}
      """)
    return folder
  }

  private static let full = "train: [adapter, language_model]\n"

  private static func yaml(_ folder: TemporaryFolder, _ lines: String = full, steps: Int = 6) -> String {
    """
    model: \(model)
    output: \(folder.path)/run
    batch: 2
    accumulate: 2
    steps: \(steps)
    save_every: 2
    keep: 10
    rate: 1e-3
    seed: 5
    \(lines.contains("\ndata:") ? "" : "data: {all: data.jsonl}")
    \(lines)
    """
  }

  private static func config(_ text: String, _ folder: TemporaryFolder) throws -> TrainConfig { try TrainConfig(yaml: text, name: "train.yaml", folder: folder.path) }

  @discardableResult
  private static func train(_ folder: TemporaryFolder, _ text: String, resumes: Bool = false, skipsBad: Bool = false) throws -> TrainingRun {
    let run = try TrainingRun(try config(text, folder), text: text, loader, on: try backend(), resumes: resumes, skipsBad: skipsBad)
    try run.run { _ in }
    return run
  }

  private static func losses(_ folder: TemporaryFolder) throws -> [Double] {
    try String(contentsOfFile: folder.path + "/run/metrics.jsonl", encoding: .utf8).split(separator: "\n").map { line in
      try #require(try JSONParser.parse(Array(line.utf8), name: "metrics")["loss"]?.double)
    }
  }

  @Test(arguments: ["train: [adapter, language_model]\nema: 0.9\n", "lora: {rank: 2, dropout: 0.1, targets: [q_proj, v_proj]}\n", "train: [adapter]\nprecision: bf16\n",
    "train: [adapter]\ngroup_by_length: true\ndata: {all: {path: data.jsonl, turns: 2}}\n"])
  func aRunThatWasKilledGoesOnAsIfItHadNot(_ lines: String) throws {
    let folder = try Self.folder()
    let text = Self.yaml(folder, lines)
    try Self.train(folder, text)
    let wanted = try Self.losses(folder)
    #expect(wanted.count == 6)
    // As after a kill in the middle of step 5: the newest checkpoint is broken, a half-written one lies about.
    try FileManager.default.removeItem(atPath: folder.path + "/run/step-6")
    try folder.write("run/step-4/training/optimizer.safetensors", "broken")
    try folder.write("run/step-6.tmp/model.safetensors", "half")
    let resumed = try Self.train(folder, text, resumes: true)
    #expect(resumed.notices.contains { $0.contains("behind step 2") })
    let found = try Self.losses(folder)
    #expect(found == wanted)
  }

  @Test func questionsAboutOnePictureBecomeAConversation() throws {
    let folder = try Self.folder()
    let text = Self.yaml(folder, "train: [adapter]\ndata: {all: {path: data.jsonl, turns: 4}}\n")
    let samples = try TrainingRun.samples(try Self.config(text, folder), count: 8, Self.loader, on: try Self.backend(), skipsBad: false)
    // Two conversations, the first of lines 1 and 3, drawn in another order from pass to pass.
    let joined = samples.filter { $0.contains("A cat.") }
    #expect(joined.count == 4 && samples.allSatisfy { $0.contains("Two.") != $0.contains("A cat.") })
    for sample in joined { #expect(sample.contains("No.") && sample.components(separatedBy: "[picture").count == 2, "\(sample)") }
    #expect(Set(joined).count == 2)
  }

  @Test func aLaterStagesCheckpointsAreWholeWhateverIsKept() throws {
    let folder = try Self.folder()
    let stages = "stages: [{name: a, train: [adapter], steps: 1}, {name: b, train: [language_model], steps: 4}]\n"
    let run = try Self.train(folder, Self.yaml(folder, stages).replacing("keep: 10", with: "keep: 1").replacing("save_every: 2", with: "save_every: 1"))
    #expect(run.result.hasSuffix("/step-5"))
    #expect(try Self.logits(try Self.loader.load(run.result, on: Self.backend())).allSatisfy { $0.isFinite })
  }

  @Test func checkpointsAreOrdinaryOnes() throws {
    let folder = try Self.folder()
    let run = try Self.train(folder, Self.yaml(folder, steps: 2))
    #expect(run.result.hasSuffix("/step-2"))
    let (trained, before) = try (Self.loader.load(run.result, on: Self.backend()), Self.loader.load(Self.model, on: Self.backend()))
    let logits = try [trained, before].map { try Self.logits($0) }
    #expect(logits[0] != logits[1] && logits[0].allSatisfy { $0.isFinite })
  }

  private static func logits(_ loaded: LoadedModel) throws -> [Float] {
    let generator = try Generator(loaded, features: FeatureCache())
    let prepared = try generator.prepare(GenerationRequest(.chat([ChatMessage(.user, "One and one?")])))
    return try TokenSequence(loaded, capacity: 200).prefill(prepared.prompt, []).logits
  }

  @Test func anAdapterRunsBesideItsModelAndMergesIntoIt() throws {
    let folder = try Self.folder()
    let run = try Self.train(folder, Self.yaml(folder, "lora: {rank: 4, alpha: 16, rslora: true, targets: '.*language_model.*\\.(q_proj|down_proj)'}\n", steps: 4))
    let backend = try Self.backend()
    let base = try Self.logits(try Self.loader.load(Self.model, on: backend))
    let adapted = try Self.logits(try Self.loader.load(Self.model, adapters: [run.result], on: backend))
    let off = try Self.logits(try Self.loader.load(Self.model, adapters: [run.result + "=0"], on: backend))
    #expect(off == base && adapted != base)
    let changed = try Self.loader.merge(Self.model, adapters: [run.result], to: folder.path + "/merged")
    #expect(changed == 4)
    let merged = try Self.logits(try Self.loader.load(folder.path + "/merged", on: backend))
    let size = adapted.reduce(0) { max($0, abs($1)) }
    let largest = zip(merged, adapted).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
    #expect(largest < 1e-4 * size)
    expectError(.file, "is there already") { _ = try Self.loader.merge(Self.model, adapters: [run.result], to: folder.path + "/merged") }

    // Of another model: a name that it does not have, and a shape.
    let file = try SafetensorsFile(path: run.result + "/adapter_model.safetensors")
    let tensors = try file.names.map { try #require(try file.tensor($0)) }
    try FileManager.default.createDirectory(atPath: folder.path + "/other", withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: run.result + "/adapter_config.json", toPath: folder.path + "/other/adapter_config.json")
    func write(_ change: (StoredTensor) -> StoredTensor) throws { try SafetensorsWriter.write(tensors.map(change), to: folder.path + "/other/adapter_model.safetensors") }
    func load() throws { _ = try Self.loader.load(Self.model, adapters: [folder.path + "/other"], on: backend) }
    try write { StoredTensor(name: $0.name.replacing("layers.1", with: "layers.7"), shape: $0.shape, dtype: $0.dtype, pages: $0.pages, offset: $0.offset) }
    expectError(.weights, "layers.7", "of this model") { try load() }
    try write { StoredTensor(name: $0.name.replacing("down_proj", with: "up_proj"), shape: $0.shape, dtype: $0.dtype, pages: $0.pages, offset: $0.offset) }
    expectError(.weights, "up_proj", "[144, 64]") { try load() }
    try folder.write("other/adapter_config.json", #"{"peft_type": "LORA", "r": 0}"#)
    expectError(.config, "the number 0") { try load() }
    try folder.write("other/adapter_config.json", #"{"peft_type": "LORA", "r": 4, "use_dora": true}"#)
    expectError(.config, "use_dora") { try load() }
  }

  @Test(arguments: [
    ("train: [adapter]\nepoch: 3\n", "unknown key epoch", "epochs"), ("train: [adaptor]\n", "no part of the model is called adaptor", "adapter"),
    ("lora: {targets: [q_prj]}\n", "no linear layer is called q_prj", "q_proj"), ("lora: {rank: 0, targets: [q_proj]}\n", "the number 0", "1...65536"),
    ("lora: {rank: 2}\n", "no targets", "all-linear"), ("", "nothing is trained", "train: [adapter"), ("train: [adapter]\nstages: []\n", "no stages", "at least one"),
    ("stages: [{train: adapter, data: [other]}]\n", "no data set other", "all"), ("train: [adapter]\nschedule: exponential\n", "exponential", "cosine"),
    ("train: [adapter]\nlora: {targets: [q_proj]}\n", "both train and lora", "one of them"),
    ("init: 3\n", "3", "{vision: MODEL}"), ("init: fresh\n", "fresh", "random"), ("init: {vision: 3}\n", "the number 3", "a string"),
  ])
  func badConfigurations(_ lines: String, _ found: String, _ wanted: String) throws {
    let folder = try Self.folder()
    expectError(.config, found, wanted) { try Self.train(folder, Self.yaml(folder, lines)) }
  }

  @Test(arguments: [
    (#"{"messages": 3}"#, AviaryError.Kind.config, "line 5"), ("{", .format, "line 5"),
    (#"{"messages": [{"role": "user", "content": "<image>Q"}, {"role": "assistant", "content": "A"}], "images": ["gone.png"]}"#, .file, "gone.png"),
  ])
  func badLinesStopBeforeTrainingOrAreLeftOut(_ line: String, _ kind: AviaryError.Kind, _ part: String) throws {
    let folder = try Self.folder()
    try folder.write("data.jsonl", String(contentsOfFile: folder.path + "/data.jsonl", encoding: .utf8) + "\n" + line + "\n")
    expectError(kind, part, "line 5") { try Self.train(folder, Self.yaml(folder)) }
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/run"))
    let run = try Self.train(folder, Self.yaml(folder, steps: 1), skipsBad: true)
    #expect(run.notices.contains { $0.contains("1 lines left out") })
  }

  @Test func emptyDataAndOccupiedFolders() throws {
    let folder = try Self.folder()
    let text = Self.yaml(folder, steps: 1)
    let open = try TrainingRun(try Self.config(text, folder), text: text, Self.loader, on: try Self.backend(), resumes: false, skipsBad: false)
    for resumes in [false, true] { expectError(.file, "another process") { _ = try Self.train(folder, text, resumes: resumes) } }
    try open.run { _ in }
    expectError(.file, "is there already", "--resume") { _ = try Self.train(folder, text) }
    withExtendedLifetime(open) {}
    try folder.write("data.jsonl", "\n \n")
    expectError(.format, "the file is empty") { _ = try Self.train(folder, text, resumes: true) }
    let other = try Self.folder()
    expectError(.file, "no run to go on with") { _ = try Self.train(other, Self.yaml(other), resumes: true) }
  }

  @Test func samplesShowWhatIsLearnt() throws {
    let folder = try Self.folder()
    let samples = try TrainingRun.samples(try Self.config(Self.yaml(folder), folder), count: 3, Self.loader, on: Reference(), skipsBad: false)
    #expect(samples.count == 3)
    let first = try #require(samples.first { $0.contains("line 1") })
    #expect(first.contains("[picture 1: 16 rows]") && first.contains("A cat."))
    for sample in samples { #expect(sample.contains("⟦") && sample.hasSuffix("⟧")) }
    let marked = samples.joined().split(separator: "⟦").dropFirst().map { $0.prefix { $0 != "⟧" } }
    #expect(marked.allSatisfy { !$0.contains("USER") && !$0.contains("?") })
  }

  @Test func trainingFromNothing() throws {
    let folder = try Self.folder()
    let model = try TemporaryFolder()
    try model.copy(Self.model) { $0.contains("safetensors") }
    let text = Self.yaml(folder, "init: random\ntrain: [all]\n", steps: 2).replacing(Self.model, with: model.path)
    let run = try Self.train(folder, text)
    let logits = try Self.logits(try Self.loader.load(run.result, on: Self.backend()))
    #expect(logits.allSatisfy { $0.isFinite })
  }

  /// Some families read sizes from tensors, which must then be there under the names that the folder's weights have.
  @Test(arguments: ["llava-hf-single", "vary-toy-ocr"].filter { Golden.has($0) }) func trainingFromNothingKeepsTheNamesOfWeights(_ name: String) throws {
    let folder = try Self.folder()
    let model = try #require(Golden.find(name)) + "/model"
    try Self.train(folder, Self.yaml(folder, "init: random\ntrain: [all]\n", steps: 1).replacing(Self.model, with: model))
    let before = try Self.loader.folder(model).weights()
    let fresh = try SafetensorsFile(path: folder.path + "/run/initial/model.safetensors")
    #expect(Set(fresh.names) == Set(before.names))
    let old = try #require(try before.tensor("lm_head.weight") ?? before.tensor("language_model.lm_head.weight"))
    let new = try #require(try fresh.tensor(old.name))
    #expect(new.dtype == .f32 && new.shape == old.shape && !new.bytes.prefix(400).elementsEqual(old.bytes.prefix(400)))
  }

  @Test(arguments: [("model: \(model)", "model: \(model)/."), ("seed: 5", "seed: 6"), ("rate", "init: random\nrate")]) func aRunGoesOnWithWhatItBeganWith(_ old: String, _ new: String) throws {
    let folder = try Self.folder()
    try Self.train(folder, Self.yaml(folder, steps: 2))
    let key = try #require(new.split(separator: ":").first)
    expectError(.config, "another \(key) than the run began with") { try Self.train(folder, Self.yaml(folder, steps: 3).replacing(old, with: new), resumes: true) }
    #expect(try Self.train(folder, Self.yaml(folder, steps: 3).replacing("rate: 1e-3", with: "rate: 1e-4"), resumes: true).result.hasSuffix("step-3"))
  }

  /// More than one part of the checks, which go on side by side.
  @Test func theFirstOfManyBadLinesIsNamed() throws {
    let folder = try Self.folder()
    let good = #"{"messages": [{"role": "user", "content": "<image>What is it?"}, {"role": "assistant", "content": "A cat."}], "images": ["cat.png"]}"#
    var lines = [String](repeating: good, count: 5000)
    for bad in [2500, 3100, 4999] { lines[bad] = good.replacing("cat.png", with: "gone\(bad).png") }
    try folder.write("data.jsonl", lines.joined(separator: "\n"))
    expectError(.file, "gone2500.png", "line 2501") { try Self.train(folder, Self.yaml(folder, steps: 1)) }
    #expect(try Self.train(folder, Self.yaml(folder, steps: 1), skipsBad: true).notices.contains { $0.contains("3 lines left out; the first: ") && $0.contains("gone2500") })
  }

  @Test func aPartOfAnotherCheckpointBeginsANewModel() throws {
    let folder = try Self.folder()
    let model = try TemporaryFolder()
    try model.copy(Self.model) { $0.contains("safetensors") }
    func text(_ start: String) -> String {
      Self.yaml(folder, "train: [adapter]\n", steps: 1).replacing(Self.model, with: model.path) + "\ninit: {\(start)}"
    }
    // None of these gets as far as a first step, and so none stands in the way of the next.
    expectError(.weights, "language_model of wren has") { try Self.train(folder, text("language_model: wren")) }
    expectError(.config, "no part of the model is called eyes") { try Self.train(folder, text("eyes: wren")) }
    expectError(.config, "no part of the model is called ears") { try Self.train(folder, text("language_model: \(Self.model)").replacing("[adapter]", with: "[ears]")) }
    #expect(FileManager.default.fileExists(atPath: folder.path + "/run/initial/model.safetensors"))
    try Self.train(folder, text("vision: \(Self.model)"))
    let file = try SafetensorsFile(path: folder.path + "/run/step-1/model.safetensors"), old = try Self.loader.folder(Self.model).weights()
    for name in file.names where !name.contains("norm") && !name.hasSuffix("bias") {
      let isTaken = try #require(try file.tensor(name)).floats() == old.tensor(name)?.floats()
      #expect(isTaken == name.hasPrefix("vision_tower"), "\(name)")
    }
  }

  /// As wren-flamingo began: the tower of a LLaVA, under the names that an IDEFICS has.
  @Test func eyesOfAnotherFamilyBeginANewModel() throws {
    let folder = try Self.folder()
    let model = try TemporaryFolder()
    try model.copy(Golden.ownFolder + "/../../Zoo/wren-flamingo") { $0.contains("safetensors") }
    let text = Self.yaml(folder, "train: [adapter]\n", steps: 1).replacing(Self.model, with: model.path) + "\ninit: {vision: wren}"
    try Self.train(folder, text)
    let file = try SafetensorsFile(path: folder.path + "/run/initial/model.safetensors"), eyes = try Self.loader.folder("wren").weights()
    let names = file.names.filter { $0.hasPrefix("model.vision_model.") }
    #expect(names.count > 80)
    for name in names {
      let old = try #require(try eyes.tensor(name.replacing("model.vision_model.", with: "vision_tower.vision_model.")), "\(name)")
      #expect(try #require(try file.tensor(name)).floats() == old.floats(), "\(name)")
    }
  }

  /// Gates begin as the configuration says: open ones, too, which a decoder needs that cannot speak yet.
  @Test(.enabled(if: Golden.has("flamingo-idefics-single")), arguments: [("zeros", Float(0)), ("ones", 1)]) func howGatesBegin(_ word: String, _ value: Float) throws {
    let folder = try Self.folder()
    let model = try TemporaryFolder()
    try model.copy(try #require(Golden.find("flamingo-idefics-single")) + "/model") { $0.contains("safetensors") }
    let config = try String(contentsOfFile: model.path + "/config.json", encoding: .utf8)
    #expect(config.contains("\"alpha_initializer\": \"zeros\""))
    try model.write("config.json", config.replacing("\"alpha_initializer\": \"zeros\"", with: "\"alpha_initializer\": \"\(word)\""))
    try Self.train(folder, Self.yaml(folder, "init: random\ntrain: [adapter]\n", steps: 1).replacing(Self.model, with: model.path))
    let file = try SafetensorsFile(path: folder.path + "/run/initial/model.safetensors")
    let gates = file.names.filter { $0.contains("alpha_") }
    #expect(gates.count >= 4)
    for gate in gates { #expect(try #require(try file.tensor(gate)).floats().allSatisfy { $0 == value }, "\(gate)") }
  }

  private static func deviation(_ name: String, in file: SafetensorsFile) throws -> Double {
    let values = try #require(try file.tensor(name)).floats().map(Double.init)
    return (values.map { $0 * $0 }.reduce(0, +) / Double(values.count)).squareRoot()
  }

  /// The weights that training a recorded case's model from nothing begins with, and those behind one step.
  private static func aStep(of name: String) throws -> (SafetensorsFile, SafetensorsFile) {
    let folder = try Self.folder()
    let model = try #require(Golden.find(name)) + "/model"
    try Self.train(folder, Self.yaml(folder, "init: random\ntrain: [all]\n", steps: 1).replacing(Self.model, with: model))
    func weights(_ step: String) throws -> SafetensorsFile { try SafetensorsFile(path: "\(folder.path)/run/\(step)/model.safetensors") }
    return (try weights("initial"), try weights("step-1"))
  }

  /// A published name ("neck.1.weight", "attn.proj") begins as what the model uses it for.
  @Test(.enabled(if: Golden.has("vary-toy-ocr"))) func whatSAMStartsWith() throws {
    let (file, _) = try Self.aStep(of: "vary-toy-ocr")
    let tower = "transformer.vision_tower_high."
    let blocks = Set(file.names.filter { $0.hasPrefix(tower + "blocks.") }.compactMap { $0.dropFirst(tower.count + 7).split(separator: ".").first }).count
    let wanted: [(String, branches: Int?)] = [
      ("neck.1.weight", nil), ("neck.3.weight", nil), ("blocks.0.norm1.weight", nil), ("blocks.0.attn.qkv.weight", 1),
      ("blocks.0.attn.proj.weight", 2 * blocks), ("blocks.1.mlp.lin2.weight", 2 * blocks),
    ]
    for (name, branches) in wanted {
      let shape = try #require(try file.tensor(tower + name)).shape
      let (found, wanted) = (try Self.deviation(tower + name, in: file), branches.map { 1 / Double(shape[1] * $0).squareRoot() } ?? 1)
      #expect(abs(found - wanted) <= 0.1 * wanted, "\(name): \(found)")
    }
  }

  /// Each query of Qwen-VL's resampler gives most of its attention to its own place and those around it.
  @Test(.enabled(if: Golden.has("qwen-vl-chat-single"))) func aResamplerStartsAtItsOwnPlaces() throws {
    let (file, after) = try Self.aStep(of: "qwen-vl-chat-single")
    let pool = "transformer.visual.attn_pool."
    let places = try #require(try file.tensor(pool + "pos_embed")), values = places.floats()
    let joined = try #require(try file.tensor(pool + "attn.in_proj_weight")).floats()
    // What the model has in blocks is written as the one matrix that the file has.
    let trained = try #require(try after.tensor(pool + "attn.in_proj_weight")).floats()
    for block in [0..<joined.count / 3, joined.count / 3..<joined.count * 2 / 3, joined.count * 2 / 3..<joined.count] {
      let moved = block.count { joined[$0] != trained[$0] }, most = block.map { abs(joined[$0] - trained[$0]) }.max() ?? 0
      #expect(moved > block.count / 2 && most < 0.01, "\(block): \(moved), \(most)")
    }
    let width = places.shape[1], count = places.shape[0], square = width * width
    #expect(Array(joined[..<square]) == Array(joined[square..<2 * square]) && Array(joined[..<square]) != Array(joined[(2 * square)...]))
    func projected(_ place: Int) -> [Double] {
      (0..<width).map { row in (0..<width).reduce(0) { $0 + Double(joined[row * width + $1] * values[place * width + $1]) } }
    }
    let all = (0..<count).map(projected)
    for query in 0..<count {
      let scores = all.map { zip($0, all[query]).reduce(0) { $0 + $1.0 * $1.1 } / Double(width).squareRoot() }
      let shares = scores.map { exp($0 - scores[query]) }, side = Int(Double(count).squareRoot())
      let near = shares.indices.filter { abs($0 / side - query / side) < 2 && abs($0 % side - query % side) < 2 }.reduce(0) { $0 + shares[$1] }
      #expect(near > 0.5 * shares.reduce(0, +), "\(query)")
    }
  }

  /// Where a tower lies in a folder beside the checkpoint's, a run would write everything but what it learnt there.
  @Test(arguments: ["llava-orig-single", "yi-vl-single"]) func whatWouldNotBeWrittenIsNotTrained(_ name: String) throws {
    let folder = try Self.folder()
    let model = try #require(Golden.find(name)) + "/model"
    func text(_ parts: String) -> String { Self.yaml(folder, "train: [\(parts)]\n", steps: 1).replacing(Self.model, with: model) }
    expectError(.request, "trained tensors, vision_tower.") { try Self.train(folder, text("all")) }
    try FileManager.default.removeItem(atPath: folder.path + "/run")
    try Self.train(folder, text("adapter"))
  }

  @Test func whatTrainingFromNothingStartsWith() throws {
    let folder = try Self.folder()
    let model = try TemporaryFolder()
    try model.copy(Self.model) { $0.contains("safetensors") }
    try Self.train(folder, Self.yaml(folder, "init: random\ntrain: [all]\n", steps: 1).replacing(Self.model, with: model.path))
    let file = try SafetensorsFile(path: folder.path + "/run/initial/model.safetensors")
    // Width 64; two layers in the language model and two of the tower that are run.
    let (language, vision) = ("language_model.model.", "vision_tower.vision_model.")
    for (name, wanted) in [
      (language + "embed_tokens.weight", 0.5), (vision + "embeddings.position_embedding.weight", 1.5), (vision + "embeddings.class_embedding", 0.5),
      (language + "layers.0.self_attn.q_proj.weight", 0.125), (language + "layers.1.self_attn.o_proj.weight", 0.0625),
      (vision + "encoder.layers.0.self_attn.out_proj.weight", 0.0625), ("language_model.lm_head.weight", 0.125),
      (language + "norm.weight", 1), (vision + "encoder.layers.0.self_attn.q_proj.bias", 0),
    ] {
      let found = try Self.deviation(name, in: file)
      #expect(abs(found - wanted) <= 0.1 * wanted, "\(name): \(found)")
    }
    // Behind the whole picture's token 4 x 4 places: what lies apart differs, the more the further, and rows are to columns as columns to rows.
    let places = try #require(try file.tensor(vision + "embeddings.position_embedding.weight")).floats()
    let width = places.count / 17
    func place(_ row: Int, _ column: Int) -> [Float] { Array(places[(1 + row * 4 + column) * width..<(2 + row * 4 + column) * width]) }
    func apart(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).map { ($0 - $1) * ($0 - $1) }.reduce(0, +) }
    for row in 0..<4 {
      #expect(apart(place(row, 0), place(row, 1)) > 0.1 && apart(place(row, 0), place(row, 1)) < apart(place(row, 0), place(row, 2)))
      for column in 0..<4 { #expect(place(row, column) == Array(place(column, row)[(width / 2)...] + place(column, row)[..<(width / 2)])) }
    }
  }
}
