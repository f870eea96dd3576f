import AviaryCore
import AviaryRuntime
import AviaryTensor

/// A loaded model with its engine, and how long loading took.
struct ModelSession {
  let engine: Engine
  let settings: Settings
  let loadSeconds: Double

  /// - Parameter adapters: folders of LoRA adapters, each perhaps with `=scale`.
  init(_ model: String?, _ settings: Settings, adapters: [String] = []) throws(AviaryError) {
    guard let model = model ?? settings.model else {
      throw AviaryError(.request, "no model", wanted: "a model's folder, or `model:` in a configuration file")
    }
    let start = ContinuousClock.now
    Console.progress("loading \(model)")
    defer { Console.clearProgress() }
    let loaded = try settings.loader().load(model, adapters: adapters, on: try settings.openBackend(), weights: settings.weightTypes)
    var options = Engine.Options()
    options.context = settings.context
    options.kv = settings.kv
    engine = try Engine(loaded, options)
    self.settings = settings
    loadSeconds = start.seconds
  }

  /// Decodes pictures; a file given twice is decoded twice and looked at once.
  func images(_ paths: [String]) throws(AviaryError) -> [ImageInput] {
    var images: [ImageInput] = []
    for path in paths { images.append(try ImageLoader.load(path, for: engine.loaded)) }
    return images
  }
}

extension ContinuousClock.Instant {
  /// Seconds since this moment.
  var seconds: Double {
    let (whole, rest) = (ContinuousClock.now - self).components
    return Double(whole) + Double(rest) * 1e-18
  }
}
