public import AviaryCore
public import AviaryTensor
import AviaryTrain
import Foundation
import Yams

/// What a user chooses, from flags, the environment, a configuration file and defaults, in that order of precedence.
public struct Settings: Sendable, Hashable {
  public var model: String?
  public var backend = "cpu"
  public var device: String?
  /// Use a device even where it fails its self-test.
  public var forceDevice = false
  /// The backend of those steps that the first cannot run; nil makes them errors.
  public var split: String?
  public var threads: Int?
  /// How the weights of language model and encoder are stored while running; nil keeps the checkpoint's types.
  public var weights: DType?
  /// The same for the encoder alone: nil follows `weights`, `.some(nil)` keeps.
  public var visionWeights: DType??
  /// The same for the adapter alone, which is kept by default.
  public var adapterWeights: DType?
  /// Arithmetic of products; nil is the backend's own choice.
  public var compute: DType?
  public var context: Int?
  public var kv = DType.f32
  public var temperature = 0.0
  public var topK = 0
  public var topP = 1.0
  public var minP = 0.0
  public var repetitionPenalty = 1.0
  public var seed: UInt64 = 0
  public var maxTokens = 512
  /// Tokens guessed ahead at most.
  public var lookup = 0
  public var stop: [String] = []
  public var system: String?
  public var style: String?
  /// Shared libraries with families or backends of somebody's own.
  public var plugins: [String] = []

  public init() {}

  /// In which types the parts' weights are stored while a model runs.
  public var weightTypes: WeightTypes { WeightTypes(language: weights, vision: visionWeights ?? weights, adapter: adapterWeights) }

  /// Keys of a configuration file, in the spelling of the flags with `_` for `-`.
  public static let keys = [
    "model", "backend", "device", "force_device", "split", "threads", "weights", "vision_weights", "adapter_weights", "compute", "context", "kv", "temperature", "top_k", "top_p", "min_p",
    "repetition_penalty", "seed", "max_tokens", "lookup", "stop", "system", "style", "plugins",
  ]

  /// Keys that may have several values.
  private static let lists: Set = ["stop", "plugins"]

  /// Applies a configuration file: a YAML mapping of the keys above. Paths of plugins are taken from the file's own
  /// folder, so that no other folder's library is ever loaded in their place.
  ///
  /// - Throws: `.config` for an unknown key, with the nearest known one, and for a value that cannot be right.
  public mutating func apply(yaml text: String, name: String) throws(AviaryError) {
    let folder = URL(fileURLWithPath: name).deletingLastPathComponent()
    for (key, value) in try YAMLFile.mapping(text, name: name) {
      try set(key, key == "plugins" ? value.map { URL(fileURLWithPath: $0, relativeTo: folder).path } : value, at: name)
    }
  }

  /// Applies `AVIARY_BACKEND`, `AVIARY_THREADS` and so on: any key in capitals behind `AVIARY_`.
  public mutating func apply(environment: [String: String]) throws(AviaryError) {
    for key in Settings.keys {
      let name = "AVIARY_" + key.uppercased()
      if let value = environment[name], !value.isEmpty { try set(key, [value], at: name) }
    }
  }

  /// Sets one key from the words that a file or the environment gives.
  public mutating func set(_ key: String, _ words: [String], at place: String) throws(AviaryError) {
    let word = words.first ?? ""
    func bad(_ wanted: String) -> AviaryError { AviaryError(.config, "\"\(word)\"", wanted: wanted, at: "\(place): \(key)") }
    func integer(_ range: ClosedRange<Int>) throws(AviaryError) -> Int {
      guard let number = Int(word), range.contains(number) else { throw bad("an integer in \(range.lowerBound)...\(range.upperBound)") }
      return number
    }
    func number(_ range: ClosedRange<Double>) throws(AviaryError) -> Double {
      guard let number = Double(word), range.contains(number) else { throw bad("a number in \(range.lowerBound)...\(range.upperBound)") }
      return number
    }
    func type(_ types: [DType]) throws(AviaryError) -> DType {
      guard let type = types.first(where: { $0.description == word }) else { throw bad("one of " + types.map(\.description).joined(separator: ", ")) }
      return type
    }
    func stored() throws(AviaryError) -> DType? {
      if word == "keep" { return nil }
      let types: [DType] = [.f32, .f16, .bf16] + DType.quantised
      guard let type = types.first(where: { $0.description == word }) else { throw bad("one of keep, " + types.map(\.description).joined(separator: ", ")) }
      return type
    }
    if Settings.keys.contains(key), !Settings.lists.contains(key), words.count != 1 {
      throw AviaryError(.config, "\(words.count) values", wanted: "one", at: "\(place): \(key)")
    }
    switch key {
    case "model": model = word
    case "backend": backend = word
    case "device": device = word
    case "force_device":
      guard ["true", "false", "1", "0"].contains(word) else { throw bad("true or false") }
      forceDevice = word == "true" || word == "1"
    case "split":
      guard word == "cpu" else { throw bad("cpu") }
      split = word
    case "threads": threads = try integer(1...1024)
    case "weights": weights = try stored()
    case "vision_weights": visionWeights = .some(try stored())
    case "adapter_weights": adapterWeights = try stored()
    case "compute": compute = word == "auto" ? nil : try type([.f32, .bf16])
    case "context": context = try integer(1...(1 << 24))
    case "kv": kv = try type(DType.allCases.filter(\.isKept))
    case "temperature": temperature = try number(0...100)
    case "top_k": topK = try integer(0...(1 << 24))
    case "top_p": topP = try number(0...1)
    case "min_p": minP = try number(0...1)
    case "repetition_penalty": repetitionPenalty = try number(0.01...100)
    case "seed":
      guard let value = UInt64(word) else { throw bad("an integer from 0") }
      seed = value
    case "max_tokens": maxTokens = try integer(0...(1 << 24))
    case "lookup": lookup = try integer(0...64)
    case "stop": stop = words
    case "system": system = word
    case "style": style = word
    case "plugins": plugins = words
    default:
      throw AviaryError(.config, "unknown key \(key)", wanted: "\(Nearest.to(key, among: Settings.keys)), perhaps", at: place)
    }
  }
}

/// Spelling suggestions.
enum Nearest {
  /// The candidate with the smallest edit distance (Levenshtein 1966).
  static func to(_ word: String, among candidates: [String]) -> String {
    candidates.min { distance(word, $0) < distance(word, $1) } ?? ""
  }

  static func distance(_ a: String, _ b: String) -> Int { editDistance(Array(a), Array(b)) }
}
