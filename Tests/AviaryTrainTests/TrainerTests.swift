import AviaryCore
import AviaryTensor
import AviaryTrain
import BackendCPU
import CoreTestSupport
import Testing

/// Steps of a model of a few thousand numbers.
@Suite struct TrainerTests {
  private static func backend() throws -> CPUBackend {
    var options = BackendOptions()
    options.threads = 2
    return try CPUBackend(options)
  }

  /// Questions and answers of different lengths, each about a picture.
  private static func samples(_ loaded: LoadedModel, seeing: Bool = true) throws -> [TrainingSample] {
    let processor = try #require(loaded.processor)
    let maker = SampleMaker(processor, limit: 256)
    return try (0..<3).map { index in
      let images = seeing ? [try processor.prepare(TinyModel.picture(index).image)] : []
      let question = ChatMessage(.user, (seeing ? [.image(0)] : []) + [.text("what" + String(repeating: "?", count: index))])
      return try maker.sample(Conversation([question, ChatMessage(.assistant, "answer \(index)")]), images)
    }
  }

  private static func all(_ loaded: LoadedModel) -> [Int] { loaded.weights.names.indices.filter { !loaded.weights.constants.contains($0) } }

  private static func trainer(_ loaded: LoadedModel, _ change: (inout Trainer.Options) -> Void = { _ in }) throws -> Trainer {
    var options = Trainer.Options()
    change(&options)
    return try Trainer(loaded, training: all(loaded), options)
  }

  /// Losses of some steps over all samples at once.
  private static func losses(_ trainer: Trainer, _ samples: [TrainingSample], steps: Int, rate: Double = 0.01) throws -> [Double] {
    let count = Double(samples.reduce(0) { $0 + $1.trained })
    return try (0..<steps).map { _ in
      let loss = try trainer.accumulate(samples, scale: 1 / count) / count
      try trainer.update(rate: rate)
      return loss
    }
  }

  @Test func theSameSeedGivesTheSameLossesToTheBit() throws {
    let runs = try (0..<2).map { _ in
      let loaded = try TinyModel.seeing(on: Self.backend())
      return try Self.losses(Self.trainer(loaded), Self.samples(loaded), steps: 5)
    }
    #expect(runs[0] == runs[1])
    #expect(runs[0][4] < runs[0][0] * 0.9)
  }

  @Test func aBatchIsTheSumOfItsSamples() throws {
    let loaded = try TinyModel.seeing(on: Self.backend())
    let samples = try Self.samples(loaded)
    let (together, apart) = (try Self.trainer(loaded), try Self.trainer(loaded))
    let whole = try together.accumulate(samples, scale: 1)
    var sum = 0.0
    for sample in samples { sum += try apart.accumulate([sample], scale: 1) }
    #expect(abs(whole - sum) < 1e-4 * whole)
    for slot in Self.all(loaded) {
      let (a, b) = (try #require(try together.gradient(ofSlot: slot)), try #require(try apart.gradient(ofSlot: slot)))
      let size = a.reduce(0) { max($0, abs($1)) }
      let allowed: Float = 1e-4 * size + 1e-5
      let largest = zip(a, b).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
      #expect(largest <= allowed, "\(loaded.weights.names[slot])")
    }
  }

  @Test func blocksThatAreComputedAgainChangeNothing() throws {
    let loaded = try TinyModel.seeing(on: Self.backend())
    let samples = try Self.samples(loaded)
    let kept = try Self.losses(Self.trainer(loaded), samples, steps: 3)
    let again = try Self.losses(Self.trainer(loaded) { $0.checkpointing = true }, samples, steps: 3)
    #expect(kept == again)
  }

  @Test func goingOnIsAsIfItHadNeverStopped() throws {
    let loaded = try TinyModel.seeing(on: Self.backend())
    let samples = try Self.samples(loaded)
    let change: (inout Trainer.Options) -> Void = { $0.averageKeep = 0.9; $0.clip = 0.5 }
    let whole = try Self.trainer(loaded, change)
    let wanted = try Self.losses(whole, samples, steps: 6)
    let first = try Self.trainer(loaded, change)
    _ = try Self.losses(first, samples, steps: 3)
    let second = try Self.trainer(loaded, change)
    try second.restore(try first.state(values: true))
    let rest = try Self.losses(second, samples, steps: 3)
    #expect(rest == Array(wanted[3...]))
    let slot = Self.all(loaded)[0]
    let averages = try [second, whole].map { try $0.value(ofSlot: slot, averaged: true) }
    let plain = try whole.value(ofSlot: slot)
    #expect(averages[0] == averages[1] && averages[1] != plain)
  }

  @Test func sixteenBitsHaveMastersOfThirtyTwo() throws {
    let loaded = try TinyModel.blind(on: Self.backend(), stored: .bf16)
    let samples = try Self.samples(loaded, seeing: false)
    let trainer = try Self.trainer(loaded)
    let losses = try Self.losses(trainer, samples, steps: 8, rate: 0.003)
    #expect(losses[7] < losses[0] * 0.9)
    let slot = try #require(loaded.weights.names.firstIndex { $0.hasSuffix("q_proj.weight") })
    let values = try #require(try trainer.value(ofSlot: slot))
    let isFiner = values.contains { float(bf16: bf16Bits($0)) != $0 }
    #expect(isFiner)
  }

  @Test(arguments: [true, false]) func optimisersDoWhatTheirFormulasSay(_ isAdam: Bool) throws {
    let loaded = try TinyModel.blind(on: Self.backend())
    let samples = try Self.samples(loaded, seeing: false)
    let slot = try #require(loaded.weights.names.firstIndex { $0.hasSuffix("q_proj.weight") })
    let norm = try #require(loaded.weights.names.firstIndex { $0.hasSuffix("input_layernorm.weight") })
    let trainer = try Self.trainer(loaded) { options in
      options.clip = 0.05
      var adam = Optimizer.AdamW()
      (adam.weightDecay, adam.beta2) = (0.1, 0.95)
      var sgd = Optimizer.SGD()
      (sgd.momentum, sgd.weightDecay) = (0.9, 0.1)
      options.optimizer = isAdam ? .adamW(adam) : .sgd(sgd)
    }
    for (slot, decay) in [(slot, 0.1), (norm, 0.0)] {
      var w = try #require(try trainer.value(ofSlot: slot)).map(Double.init)
      var (m, v) = ([Double](repeating: 0, count: w.count), [Double](repeating: 0, count: w.count))
      let first = trainer.step
      guard first == 0 else { continue }
      for step in 1...3 {
        _ = try trainer.accumulate(samples, scale: 0.01)
        let gradient = try #require(try trainer.gradient(ofSlot: slot)).map(Double.init)
        let size = try trainer.update(rate: 0.02)
        let clip = min(1, 0.05 / (size + 1e-6))
        #expect(clip < 1)
        for i in w.indices {
          let g = gradient[i] * clip
          if isAdam {
            w[i] *= 1 - 0.02 * decay
            m[i] = 0.9 * m[i] + 0.1 * g
            v[i] = 0.95 * v[i] + 0.05 * g * g
            w[i] -= 0.02 * (m[i] / (1 - pow(0.9, step))) / ((v[i] / (1 - pow(0.95, step))).squareRoot() + 1e-8)
          } else {
            m[i] = (step == 1 ? 0 : 0.9 * m[i]) + g + decay * w[i]
            w[i] -= 0.02 * m[i]
          }
        }
      }
      let found = try #require(try trainer.value(ofSlot: slot))
      let largest = zip(found, w).reduce(0.0) { max($0, abs(Double($1.0) - $1.1)) }
      #expect(largest < 1e-5)
    }
  }

  private func pow(_ x: Double, _ n: Int) -> Double { (0..<n).reduce(1) { y, _ in y * x } }

  @Test func numbersThatAreNoneStopTheRunAndNameTheOperation() throws {
    let loaded = try TinyModel.blind(on: Self.backend())
    let samples = try Self.samples(loaded, seeing: false)
    let trainer = try Self.trainer(loaded)
    expectError(.numeric, "in ", "step ") { _ = try Self.losses(trainer, samples, steps: 4, rate: 1e38) }
  }

  @Test func dropoutNeedsAnAdapterAndFollowsTheSeed() throws {
    let base = try TinyModel.blind(on: Self.backend())
    let slot = try #require(base.weights.names.firstIndex { $0.hasSuffix("layers.0.self_attn.q_proj.weight") })
    let (out, input) = (base.weights.shapes.all[slot].shape[0], base.weights.shapes.all[slot].shape[1])
    let module = LowRankAdapter.Module(
      weight: base.weights.names[slot], rank: 2, a: (0..<2 * input).map { Float($0 % 5) * 0.1 - 0.2 }, b: (0..<2 * out).map { Float($0 % 3) * 0.1 - 0.1 }, scale: 2)
    let loaded = try base.adding([(LowRankAdapter(name: "x", modules: [module]), 1)])
    let slots = Array(base.weights.names.count..<loaded.weights.names.count)
    let samples = try Self.samples(loaded, seeing: false)
    func run(_ dropout: Double, _ seed: UInt64) throws -> [Double] {
      var options = Trainer.Options()
      (options.dropout, options.seed) = (dropout, seed)
      return try Self.losses(try Trainer(loaded, training: slots, options), samples, steps: 3)
    }
    let runs = try [run(0.5, 1), run(0.5, 1), run(0.5, 2), run(0, 1)]
    #expect(runs[0] == runs[1])
    #expect(runs[0] != runs[2] && runs[0] != runs[3])
    // The adapter counts, and so does its factor.
    let half = try base.adding([(LowRankAdapter(name: "x", modules: [module]), 0.5)])
    let losses = try [base, loaded, half].map { try Trainer($0, training: [slot]).loss(samples) }
    #expect(Set(losses).count == 3)
  }

  @Test func batchesWithoutAnAnswerAreErrors() throws {
    let loaded = try TinyModel.blind(on: Self.backend())
    let trainer = try Self.trainer(loaded)
    let masked = TrainingSample(parts: [.tokens([1, 5, 6])], targets: [-1, -1, -1])
    expectError(.request, "no token") { _ = try trainer.accumulate([masked], scale: 1) }
    let foreign = TrainingSample(parts: [.tokens([1, 100_000])], targets: [5, -1])
    expectError(.request, "token id 100000") { _ = try trainer.accumulate([foreign], scale: 1) }
    let long = TrainingSample(parts: [.tokens([Int32](repeating: 5, count: 300))], targets: [Int32](repeating: 5, count: 300))
    expectError(.request, "300 tokens", "256") { _ = try trainer.accumulate([long], scale: 1) }
    expectError(.config, "no weight") { _ = try Trainer(loaded, training: []) }
  }

  @Test func schedules() {
    let warm = Schedule(.cosine, peak: 1, warmup: 4, steps: 24, floor: 0.1)
    let rise = (0..<4).map { warm.rate($0) }
    #expect(rise == [0.25, 0.5, 0.75, 1])
    #expect(abs(warm.rate(14) - 0.55) < 1e-12)
    #expect(abs(warm.rate(24) - 0.1) < 1e-12)
    let linear = Schedule(.linear, peak: 2, steps: 10)
    #expect(abs(linear.rate(5) - 1) < 1e-12 && linear.rate(10) == 0 && linear.rate(20) == 0)
    #expect(Schedule(.constant, peak: 3, steps: 10).rate(99) == 3)
  }
}
