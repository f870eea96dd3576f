import AviaryCore
import AviaryFormats
import AviaryTensor
import AviaryTrain
import Foundation

/// A run's folder: `config.yaml`, `metrics.jsonl`, `step-N` with a checkpoint and `training/` beside it. One process at a time.
final class RunFolder {
  let path: String
  private var lock: Int32 = -1
  private var metrics: FileHandle?

  /// Where a run stands, beside its weights.
  struct Place: Sendable, Hashable {
    /// Steps of all stages.
    var step = 0
    var stage = 0
    /// Steps of this stage.
    var stageStep = 0
    var passes: UInt64 = 0
    /// The folder of the model that an adapter belongs to; empty where the checkpoint is a whole model.
    var base = ""
  }

  /// Opens a folder for a new run or for one that goes on. A run that ended before its first step leaves nothing to lose: a new one takes its folder.
  ///
  /// - Throws: `.file` where a new run's folder is there already, or another process trains in it.
  init(_ path: String, resumes: Bool) throws(AviaryError) {
    self.path = path
    let exists = Folder.exists(path + "/config.yaml")
    if !resumes { try refuseSteps() }
    if !exists, resumes { throw AviaryError(.file, "no run to go on with", wanted: "a folder that `aviary train` began", at: path) }
    try Folder.make(path)
    lock = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard lock >= 0, flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      throw AviaryError(.file, "another process trains in this folder", wanted: "one at a time", at: path)
    }
    guard !resumes else { return }
    // Another process may have made its first step and ended meanwhile.
    try refuseSteps()
    try? FileManager.default.removeItem(atPath: initial)
  }

  private func refuseSteps() throws(AviaryError) {
    let logged = (try? FileManager.default.attributesOfItem(atPath: path + "/metrics.jsonl")[.size] as? Int) ?? 0
    guard logged == 0, checkpoints.isEmpty else {
      throw AviaryError(.file, "the run folder is there already", wanted: "--resume to go on with it, or another folder", at: path)
    }
  }

  /// Where the weights are that a new model begins with.
  var initial: String { path + "/initial" }

  deinit { if lock >= 0 { close(lock) } }

  /// Steps that have a finished checkpoint, newest first.
  var checkpoints: [Int] {
    Folder.names(path).compactMap { $0.hasPrefix("step-") ? Int($0.dropFirst(5)) : nil }.sorted(by: >)
  }

  func checkpoint(_ step: Int) -> String { "\(path)/step-\(step)" }

  /// The newest checkpoint that can be read; those behind it that cannot are left alone.
  func latest() throws(AviaryError) -> (place: Place, state: Trainer.State, folder: String)? {
    for step in checkpoints {
      if let found = try? read(checkpoint(step)) { return (found.0, found.1, checkpoint(step)) }
    }
    return nil
  }

  private func read(_ folder: String) throws(AviaryError) -> (Place, Trainer.State) {
    let json = try JSONParser.parse(file: folder + "/training/state.json", maxBytes: 1 << 20)
    let c = try ConfigReader(json, place: "state.json")
    var place = Place()
    place.step = try c.int("step", in: 0...(1 << 50))
    place.stage = try c.int("stage", in: 0...64)
    place.stageStep = try c.int("stage_step", in: 0...(1 << 50))
    place.passes = UInt64(try c.int("passes", in: 0...(1 << 60)))
    place.base = try c.string("base", default: "")
    let file = try SafetensorsFile(path: folder + "/training/optimizer.safetensors")
    let weights = Folder.exists(folder + "/model.safetensors") ? "model" : "adapter_model"
    _ = try SafetensorsFile(path: "\(folder)/\(weights).safetensors")
    var state = Trainer.State(step: place.stageStep, passes: place.passes, tensors: [])
    for name in file.names {
      if let tensor = try file.tensor(name) { state.tensors.append((name, tensor.shape, tensor.floats())) }
    }
    return (place, state)
  }

  /// Writes what a trainer needs to go on into a checkpoint's folder.
  static func write(_ place: Place, _ state: Trainer.State, to folder: String) throws(AviaryError) {
    try Folder.make(folder + "/training")
    var tensors: [StoredTensor] = []
    for tensor in state.tensors {
      tensors.append(StoredTensor(name: tensor.name, shape: tensor.shape, dtype: .f32, pages: try OwnedPages(tensor.values, name: tensor.name), offset: 0))
    }
    try SafetensorsWriter.write(tensors, to: folder + "/training/optimizer.safetensors")
    var json = JSONObject()
    for (key, value) in [("step", place.step), ("stage", place.stage), ("stage_step", place.stageStep), ("passes", Int(place.passes))] { json.append(key, .int(value)) }
    json.append("base", .string(place.base))
    try WholeFile.write(JSONWriter.text(.object(json), pretty: true) + "\n", to: folder + "/training/state.json")
  }

  /// Removes checkpoints but the newest, and but the one that the present stage stands on.
  func prune(keep: Int, except base: String) {
    for step in checkpoints.dropFirst(keep) where checkpoint(step) != base { try? FileManager.default.removeItem(atPath: checkpoint(step)) }
  }

  /// Opens `metrics.jsonl` for the steps behind `step`; lines of steps that are done again are dropped.
  func openMetrics(behind step: Int) throws(AviaryError) {
    let file = path + "/metrics.jsonl"
    var kept = ""
    if let text = try? String(contentsOfFile: file, encoding: .utf8) {
      for line in text.split(separator: "\n") {
        guard let json = try? JSONParser.parse(Array(line.utf8), name: "metrics.jsonl"), let own = json["step"]?.int, own <= step else { break }
        kept += line + "\n"
      }
    }
    try WholeFile.write(kept, to: file)
    guard let handle = FileHandle(forWritingAtPath: file) else { throw AviaryError(.file, "it cannot be written", at: file) }
    _ = try? handle.seekToEnd()
    metrics = handle
  }

  func log(_ json: JSONObject) throws(AviaryError) {
    do { try metrics?.write(contentsOf: Data((JSONWriter.text(.object(json)) + "\n").utf8)) } catch {
      throw AviaryError(.file, "the disk is full, or writing failed", at: path + "/metrics.jsonl")
    }
  }
}
