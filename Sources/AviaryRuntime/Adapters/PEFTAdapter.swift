import AviaryCore
import AviaryFormats
import AviaryTensor

/// Adapters as PEFT writes them: `adapter_config.json` and `adapter_model.safetensors`.
struct PEFTAdapter {
  /// What the configuration says of all modules.
  struct Config: Sendable, Hashable {
    var rank = 8
    var alpha = 8.0
    var dropout = 0.0
    var usesRankStabilisedScale = false
    var targets = LoRATargets.names([])
    /// By module, where they differ.
    var alphas: [(pattern: String, value: Double)] = []

    static func == (a: Config, b: Config) -> Bool { a.rank == b.rank && a.alpha == b.alpha && a.dropout == b.dropout && a.targets == b.targets }
    func hash(into hasher: inout Hasher) { hasher.combine(rank) }

    /// Factor on a module's product: alpha / r, or alpha / sqrt(r) (Kalajdzievski 2023).
    func scale(_ module: String, rank: Int) -> Float {
      let alpha = alphas.first { LoRATargets.isSuffix($0.pattern, of: module) }?.value ?? self.alpha
      return Float(usesRankStabilisedScale ? alpha / Double(rank).squareRoot() : alpha / Double(rank))
    }
  }

  let config: Config
  let adapter: LowRankAdapter

  /// Reads an adapter's folder for a model whose tensors have these names.
  ///
  /// - Throws: `.config` for kinds of adapters that are not plain LoRA, `.weights` for tensors that belong to another model.
  init(_ folder: String, _ names: ModuleNames, limits: Limits = .standard) throws(AviaryError) {
    let name = folder.split(separator: "/").last.map(String.init) ?? folder
    let path = try ContainedPath.resolve("adapter_config.json", in: folder, at: name)
    let c = try ConfigReader(try JSONParser.parse(file: path, maxBytes: limits.configBytes), place: "\(name)/adapter_config.json")
    config = try Self.config(c)
    let file = try SafetensorsFile(path: try ContainedPath.resolve("adapter_model.safetensors", in: folder, at: name), limits: limits)
    adapter = LowRankAdapter(name: name, modules: try Self.modules(file, config, names, at: name))
  }

  private static func config(_ c: ConfigReader) throws(AviaryError) -> Config {
    let _: Bool = try c.choice("peft_type", of: [("LORA", true)])
    for key in ["use_dora", "fan_in_fan_out", "lora_bias", "use_qalora"] where try c.bool(key, default: false) {
      throw AviaryError(.config, "\(key) is true", wanted: "a plain LoRA adapter", at: c.place)
    }
    if let modules = try c.array("modules_to_save", maxCount: 1 << 16), !modules.isEmpty {
      throw AviaryError(.config, "modules_to_save", wanted: "an adapter without whole modules in it", at: c.place)
    }
    let _: Bool = try c.choice("bias", default: "none", of: [("none", true)])
    var config = Config()
    config.rank = try c.int("r", default: 8, in: 1...65_536)
    config.alpha = try c.number("lora_alpha", default: 8, in: 0...1e6)
    config.dropout = try c.number("lora_dropout", default: 0, in: 0...0.99)
    config.usesRankStabilisedScale = try c.bool("use_rslora", default: false)
    if let pattern = c.value("target_modules")?.string { config.targets = .pattern(pattern) } else { config.targets = .names(try c.strings("target_modules")) }
    if let patterns = try c.object("alpha_pattern") {
      for key in patterns.json.object?.keys ?? [] { config.alphas.append((key, try patterns.number(key, in: 0...1e6))) }
    }
    return config
  }

  private static func modules(_ file: SafetensorsFile, _ config: Config, _ names: ModuleNames, at place: String) throws(AviaryError) -> [LowRankAdapter.Module] {
    var halves: [String: (a: StoredTensor?, b: StoredTensor?)] = [:]
    var order: [String] = []
    for name in file.names {
      guard let part = part(of: name), let tensor = try file.tensor(name), tensor.shape.count == 2, tensor.dtype.isFloat else {
        throw AviaryError(.weights, "tensor \(name)", wanted: "lora_A and lora_B matrices only", at: place)
      }
      if halves[part.module] == nil { order.append(part.module) }
      if part.isA { halves[part.module, default: (nil, nil)].a = tensor } else { halves[part.module, default: (nil, nil)].b = tensor }
    }
    guard !order.isEmpty else { throw AviaryError(.weights, "no tensors", wanted: "lora_A and lora_B matrices", at: place) }
    var modules: [LowRankAdapter.Module] = []
    for module in order {
      guard let a = halves[module]?.a, let b = halves[module]?.b, a.shape[0] == b.shape[1], a.shape[0] > 0 else {
        throw AviaryError(.weights, "\(module) has \(halves[module]?.a?.shape.description ?? "no") A and \(halves[module]?.b?.shape.description ?? "no") B", wanted: "[r, in] and [out, r]", at: place)
      }
      guard let canonical = names.canonical(module + ".weight") else {
        throw AviaryError(.weights, "the adapter changes \(module), which this model does not use", wanted: "an adapter of this model", at: place)
      }
      let rank = a.shape[0]
      modules.append(.init(weight: canonical, rank: rank, a: a.floats(), b: b.floats(), scale: config.scale(module, rank: rank)))
    }
    return modules
  }

  /// `base_model.model.X.lora_A.weight`, perhaps with the adapter's name in front of `weight`.
  static func part(of name: String) -> (module: String, isA: Bool)? {
    let prefix = "base_model.model."
    guard name.hasPrefix(prefix), name.hasSuffix(".weight") else { return nil }
    for (infix, isA) in [(".lora_A", true), (".lora_B", false)] {
      guard let range = name.ranges(of: infix).last else { continue }
      return (String(name[name.index(name.startIndex, offsetBy: prefix.count)..<range.lowerBound]), isA)
    }
    return nil
  }

  /// Writes an adapter so that PEFT reads it.
  static func write(_ adapter: LowRankAdapter, _ config: Config, _ names: ModuleNames, base: String, shapes: (String) -> (out: Int, input: Int), to folder: String) throws(AviaryError) {
    var tensors: [StoredTensor] = []
    for module in adapter.modules {
      let (out, input) = shapes(module.weight)
      let path = "base_model.model." + names.module(module.weight)
      for (letter, values, shape) in [("A", module.a, [module.rank, input] as Shape), ("B", module.b, [out, module.rank])] {
        let name = "\(path).lora_\(letter).weight"
        tensors.append(StoredTensor(name: name, shape: shape, dtype: .f32, pages: try OwnedPages(values, name: name), offset: 0))
      }
    }
    try Folder.make(folder)
    try SafetensorsWriter.write(tensors, metadata: ["format": "pt"], to: folder + "/adapter_model.safetensors")
    var json = JSONObject()
    json.append("peft_type", .string("LORA"))
    json.append("base_model_name_or_path", .string(base))
    json.append("r", .int(config.rank))
    json.append("lora_alpha", .double(config.alpha))
    json.append("lora_dropout", .double(config.dropout))
    json.append("use_rslora", .bool(config.usesRankStabilisedScale))
    json.append("bias", .string("none"))
    json.append("fan_in_fan_out", .bool(false))
    json.append("inference_mode", .bool(true))
    json.append("task_type", .null)
    json.append("modules_to_save", .null)
    // The modules themselves, so that PEFT finds exactly these whatever pattern chose them.
    json.append("target_modules", .array(adapter.modules.map { .string(names.module($0.weight)) }))
    try WholeFile.write(JSONWriter.text(.object(json), pretty: true) + "\n", to: folder + "/adapter_config.json")
  }
}
