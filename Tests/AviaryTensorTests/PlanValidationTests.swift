import AviaryTensor
import TensorTestSupport
import Testing

@Suite struct PlanValidationTests {
  private func bindings(weight: Int = 16, state: Int = 16, input: Int = 16, arena: Int = 64) throws -> Bindings {
    let backend = Reference()
    return Bindings(
      weights: [BufferSlice(try backend.allocate(weight))], states: [BufferSlice(try backend.allocate(state))],
      inputs: [UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: 64), count: input)], arena: BufferSlice(try backend.allocate(arena)))
  }

  private func plan(_ views: View...) -> Plan { Plan(steps: [], views: views, arenaBytes: 64) }

  private static let places: [Place] = [.weight(0), .state(0), .input(0), .arena(48)]

  @Test(arguments: places) func viewsWithinTheirMemoryPass(_ place: Place) throws {
    try plan(View(contiguous: [4], .f32, at: place)).validate(bindings())
    try plan(View(place: place, offset: 3, shape: [7, 1], strides: [0, 9, 0, 0, 0, 0, 0, 0], dtype: .f32)).validate(bindings())
    try plan(View(place: place, offset: 0, shape: [0, 99], strides: [99, 1, 0, 0, 0, 0, 0, 0], dtype: .f32)).validate(bindings())
  }

  @Test(arguments: places) func viewsBeyondTheirMemoryAreRefused(_ place: Place) throws {
    let bindings = try bindings()
    for view in [
      View(contiguous: [5], .f32, at: place), View(contiguous: [3], .f64, at: place),
      View(place: place, offset: 1, shape: [4], strides: [1, 0, 0, 0, 0, 0, 0, 0], dtype: .f32),
      View(place: place, offset: 0, shape: [2, 2], strides: [3, 1, 0, 0, 0, 0, 0, 0], dtype: .f32),
      View(place: place, offset: -1, shape: [2], strides: [1, 0, 0, 0, 0, 0, 0, 0], dtype: .f32),
      View(place: place, offset: 3, shape: [2], strides: [-1, 0, 0, 0, 0, 0, 0, 0], dtype: .f32),
      View(place: place, offset: .max, shape: [2], strides: [1, 0, 0, 0, 0, 0, 0, 0], dtype: .f32),
      View(place: place, offset: 0, shape: [3], strides: [.max, 0, 0, 0, 0, 0, 0, 0], dtype: .f32),
    ] {
      let error = #expect(throws: AviaryError.self) { try plan(view).validate(bindings) }
      #expect(error?.kind == .internal)
    }
  }

  @Test func slotsThatAreNotBoundAreRefused() throws {
    let bindings = try bindings()
    for place in [Place.weight(1), .state(1), .input(1), .weight(-1), .arena(-64), .arena(.max)] {
      #expect(throws: AviaryError.self) { try plan(View(contiguous: [1], .f32, at: place)).validate(bindings) }
    }
  }

  @Test func aSmallArenaIsRefused() throws {
    let small = try bindings(arena: 32)
    #expect(throws: AviaryError.self) { try plan().validate(small) }
  }

  @Test func slicesBeyondTheirBufferAreRefused() throws {
    let bindings = try bindings()
    bindings.weights[0] = BufferSlice(bindings.weights[0].buffer, offset: 8, byteCount: 16)
    let outside = bindings
    #expect(throws: AviaryError.self) { try plan(View(contiguous: [4], .f32, at: .weight(0))).validate(outside) }
  }

  @Test func stepsWhoseOperandsAreNotThereAreRefused() throws {
    let bindings = try bindings()
    let step = PlanStep(op: .softmax, operands: 0..<1, output: View(contiguous: [4], .f32, at: .arena(0)))
    #expect(throws: AviaryError.self) { try Plan(steps: [step], views: [], arenaBytes: 64).validate(bindings) }
  }

  @Test func cancelledRunsAndImpossibleMemoryAreErrors() throws {
    let flag = CancellationFlag()
    flag.cancel()
    let step = PlanStep(op: .scalar(1), operands: 0..<0, output: View(contiguous: [], .f32, at: .arena(0)))
    let bindings = try bindings()
    let cancelled = #expect(throws: AviaryError.self) { try Reference().execute(Plan(steps: [step], views: [], arenaBytes: 64), bindings, flag) }
    #expect(cancelled?.kind == .cancelled)
    for size in [-1, Int.max] {
      let memory = #expect(throws: AviaryError.self) { try Reference().allocate(size) }
      #expect(memory?.kind == .memory)
    }
  }
}
