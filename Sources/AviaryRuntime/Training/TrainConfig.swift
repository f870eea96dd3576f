import AviaryCore
public import AviaryTensor
public import AviaryTrain

/// What `train.yaml` says.
public struct TrainConfig: Sendable {
  public struct DataSet: Sendable, Hashable {
    public var name: String
    /// A JSON or JSONL file.
    public var path: String
    /// Where relative paths of pictures start; the file's folder by default.
    public var images: String
    public var weight: Double
    /// Most questions about the same pictures that are put together as one conversation.
    public var turns = 1
  }

  /// A part of another checkpoint with which a new model begins.
  public struct Start: Sendable, Hashable {
    /// As in `train`.
    public var part: String
    public var model: String
  }

  public struct LoRA: Sendable, Hashable {
    var rank: Int
    var alpha: Double
    var dropout: Double
    var isRankStabilised: Bool
    var targets: LoRATargets
  }

  public struct Stage: Sendable, Hashable {
    public var name: String
    /// Parts that are trained: `vision`, `adapter`, `language_model`, or scopes of the model's tensors.
    public var train: [String]
    public var data: [String]
    public var steps: Int?
    public var epochs: Double
    public var rate: Double
    public var lora: LoRA?
  }

  /// Where its relative paths start.
  let folder: String
  public var model: String
  public var output: String
  /// Weights from random numbers instead of the folder's.
  public var startsFresh = false
  /// What such a model has from other checkpoints.
  public var starts: [Start] = []
  public var precision: DType?
  /// How the model's matrices are stored under a LoRA adapter, which leaves them frozen: quantised perhaps; nil for `precision`.
  public var frozenWeights: DType?
  public var seed: UInt64
  public var batch: Int
  public var accumulate: Int
  /// Samples of about the same length share a batch.
  public var groupsByLength: Bool
  public var maxLength: Int
  public var optimizer: Optimizer
  public var clip: Double?
  public var shape: Schedule.Shape
  public var warmup: Double
  public var floor: Double
  public var checkpointing: Bool
  public var averageKeep: Double?
  public var saveEvery: Int
  public var keep: Int
  public var style: String?
  public var data: [DataSet]
  public var stages: [Stage]

  static let keys = [
    "name", "model", "output", "init", "precision", "weights", "seed", "batch", "accumulate", "group_by_length", "max_length", "optimizer", "betas",
    "epsilon", "weight_decay",
    "momentum", "clip", "schedule", "warmup", "floor", "rate", "checkpointing", "ema", "save_every", "keep", "style", "data", "stages", "train",
    "steps", "epochs", "lora",
  ]
  static let stageKeys = ["name", "train", "data", "steps", "epochs", "rate", "lora"]
  static let dataKeys = ["path", "images", "weight", "turns"]
  static let loraKeys = ["rank", "alpha", "dropout", "rslora", "targets"]

  /// Reads the text of a configuration.
  ///
  /// - Parameter folder: where its relative paths start.
  /// - Throws: `.config` with the key of what is missing, wrong or unknown.
  public init(yaml text: String, name: String, folder: String) throws(AviaryError) {
    let c = try ConfigReader(try YAMLFile.parse(text, name: name), place: name)
    try Self.check(c, Self.keys)
    self.folder = folder
    func path(_ word: String) -> String { word.hasPrefix("/") ? word : folder + "/" + word }
    // A folder beside the file, or a name that any command takes: of the zoo, or of the Hugging Face cache.
    func place(_ named: String) -> String { named.hasPrefix(".") || Folder.exists(path(named)) ? path(named) : named }
    model = place(try c.string("model"))
    output = path(try c.string("output"))
    (startsFresh, starts) = try Self.beginning(c, place)
    precision = try c.choice("precision", default: "keep", of: [("keep", nil as DType?), ("f32", .f32), ("bf16", .bf16)])
    frozenWeights = try c.choice("weights", default: "keep", of: [("keep", nil as DType?)] + DType.storable.map { ($0.description, $0) })
    seed = UInt64(try c.int("seed", default: 0, in: 0...(1 << 53)))
    batch = try c.int("batch", default: 8, in: 1...65_536)
    accumulate = try c.int("accumulate", default: 1, in: 1...65_536)
    groupsByLength = try c.bool("group_by_length", default: false)
    maxLength = try c.int("max_length", default: 2048, in: 2...(1 << 20))
    optimizer = try Self.optimizer(c)
    clip = try c.has("clip") ? c.number("clip", in: 1e-9...1e9) : 1
    shape = try c.choice("schedule", default: "cosine", of: Schedule.Shape.allCases.map { ($0.rawValue, $0) })
    warmup = try c.number("warmup", default: 0.03, in: 0...1e9)
    floor = try c.number("floor", default: 0, in: 0...1)
    checkpointing = try c.bool("checkpointing", default: false)
    averageKeep = try c.has("ema") ? c.number("ema", in: 0...0.999999) : nil
    saveEvery = try c.int("save_every", default: 500, in: 1...(1 << 30))
    keep = try c.int("keep", default: 2, in: 1...10_000)
    style = try c.optionalString("style")
    data = try Self.dataSets(c, path)
    stages = []
    if let items = try c.array("stages", maxCount: 64) {
      for (index, item) in items.enumerated() {
        let stage = try ConfigReader(item, place: "\(name): stages[\(index)]")
        try Self.check(stage, Self.stageKeys)
        stages.append(try Self.stage(stage, c, data, fallback: "\(index + 1)"))
      }
    } else {
      stages = [try Self.stage(c, c, data, fallback: "1")]
    }
    if stages.dropLast().contains(where: { $0.lora != nil }) {
      throw AviaryError(.config, "a stage behind one with lora", wanted: "lora in the last stage only", at: "\(name): stages")
    }
    guard let last = stages.last else { throw AviaryError(.config, "no stages", wanted: "at least one", at: "\(name): stages") }
    if let frozenWeights, last.lora == nil {
      throw AviaryError(.config, "weights \(frozenWeights) without lora", wanted: "precision, for weights that are trained themselves", at: name)
    }
  }

  private static func check(_ c: ConfigReader, _ keys: [String]) throws(AviaryError) {
    for key in c.json.object?.keys ?? [] where !keys.contains(key) {
      throw AviaryError(.config, "unknown key \(key)", wanted: "\(Nearest.to(key, among: keys)), perhaps", at: c.place)
    }
  }

  private static func beginning(_ c: ConfigReader, _ place: (String) -> String) throws(AviaryError) -> (isFresh: Bool, starts: [Start]) {
    guard let value = c.value("init") else { return (false, []) }
    if case .string = value { return (try c.choice("init", of: [("checkpoint", false), ("random", true)]), []) }
    guard value.object != nil, let parts = try c.object("init") else {
      throw AviaryError(.config, value.kindDescription, wanted: "checkpoint, random, or parts and whose they are: {vision: MODEL}", at: "\(c.place): init")
    }
    var starts: [Start] = []
    for part in parts.json.object?.keys ?? [] { starts.append(Start(part: part, model: place(try parts.string(part)))) }
    return (true, starts)
  }

  private static func optimizer(_ c: ConfigReader) throws(AviaryError) -> Optimizer {
    let decay = try c.number("weight_decay", default: 0, in: 0...1)
    if try c.choice("optimizer", default: "adamw", of: [("adamw", false), ("sgd", true)]) {
      var sgd = Optimizer.SGD()
      (sgd.momentum, sgd.weightDecay) = (try c.number("momentum", default: 0.9, in: 0...0.9999), decay)
      return .sgd(sgd)
    }
    var adam = Optimizer.AdamW()
    let betas = try c.numbers("betas", count: 2, default: [0.9, 0.999])
    for beta in betas where !(0..<1).contains(beta) { throw AviaryError(.config, "\(beta)", wanted: "numbers in 0..<1", at: "\(c.place): betas") }
    (adam.beta1, adam.beta2) = (betas[0], betas[1])
    adam.epsilon = try c.number("epsilon", default: 1e-8, in: 1e-20...1)
    adam.weightDecay = decay
    return .adamW(adam)
  }

  private static func dataSets(_ c: ConfigReader, _ path: (String) -> String) throws(AviaryError) -> [DataSet] {
    guard let sets = try c.object("data"), let members = sets.json.object?.members, !members.isEmpty else {
      throw AviaryError(.config, "no data", wanted: "names with a path each", at: c.place)
    }
    var all: [DataSet] = []
    for (name, value) in members {
      if let file = value.string {
        all.append(DataSet(name: name, path: path(file), images: Self.parent(path(file)), weight: 1))
        continue
      }
      let set = try ConfigReader(value, place: "\(sets.place).\(name)")
      try check(set, dataKeys)
      let file = path(try set.string("path"))
      all.append(
        DataSet(
          name: name, path: file, images: try set.optionalString("images").map(path) ?? parent(file),
          weight: try set.number("weight", default: 1, in: 1e-6...1e6), turns: try set.int("turns", default: 1, in: 1...1024)))
    }
    return all
  }

  private static func parent(_ path: String) -> String { path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "." }

  private static func stage(_ s: ConfigReader, _ whole: ConfigReader, _ data: [DataSet], fallback: String) throws(AviaryError) -> Stage {
    // Each key of a stage may stand for all of them at the top.
    func reader(_ key: String) -> ConfigReader { s.has(key) ? s : whole }
    let isWhole = s.place == whole.place
    var names: [String] = []
    if !isWhole { names = (try s.array("data", orOne: true, maxCount: 4096) ?? []).compactMap(\.string) }
    if names.isEmpty { names = data.map(\.name) }
    for name in names where !data.contains(where: { $0.name == name }) {
      throw AviaryError(.config, "no data set \(name)", wanted: "one of " + data.map(\.name).joined(separator: ", "), at: s.place)
    }
    let lora = try reader("lora").object("lora").map { c throws(AviaryError) in try Self.lora(c) }
    let train = try reader("train").array("train", orOne: true, maxCount: 4096)?.compactMap(\.string) ?? []
    guard lora != nil || !train.isEmpty else {
      throw AviaryError(.config, "nothing is trained", wanted: "train: [adapter, language_model], or lora", at: s.place)
    }
    let name = try s.string("name", default: fallback)
    return Stage(
      name: name, train: train, data: names,
      steps: try reader("steps").optionalInt("steps", in: 1...(1 << 40)), epochs: try reader("epochs").number("epochs", default: 1, in: 1e-6...1e6),
      rate: try reader("rate").number("rate", in: 0...1000), lora: lora)
  }

  private static func lora(_ c: ConfigReader) throws(AviaryError) -> LoRA {
    try check(c, loraKeys)
    let rank = try c.int("rank", default: 8, in: 1...65_536)
    var targets = LoRATargets.names(["all-linear"])
    if let pattern = c.value("targets")?.string {
      if pattern != "all-linear" { targets = .pattern(pattern) }
    } else {
      targets = .names(try c.strings("targets"))
    }
    if targets == .names([]) { throw AviaryError(.config, "no targets", wanted: "names of linear layers, a pattern, or all-linear", at: c.place) }
    return LoRA(
      rank: rank, alpha: try c.number("alpha", default: Double(2 * rank), in: 0...1e6), dropout: try c.number("dropout", default: 0, in: 0...0.99),
      isRankStabilised: try c.bool("rslora", default: false), targets: targets)
  }
}
