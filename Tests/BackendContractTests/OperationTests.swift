import AviaryTensor
import TensorTestSupport
import Testing

/// Every operation, dtype, odd shape and layout on every backend, step by step against the reference.
@Suite struct OperationTests {
  @Test(arguments: BackendUnderTest.all, ContractCase.moves) func moves(_ under: BackendUnderTest, _ test: ContractCase) throws { try check(under, test) }

  @Test(arguments: BackendUnderTest.all, ContractCase.elementwise + ContractCase.reductions)
  func elementwise(_ under: BackendUnderTest, _ test: ContractCase) throws { try check(under, test) }

  @Test(arguments: BackendUnderTest.all, ContractCase.products + ContractCase.norms)
  func products(_ under: BackendUnderTest, _ test: ContractCase) throws { try check(under, test) }

  @Test(arguments: BackendUnderTest.all + [.exact], ContractCase.quantised)
  func quantised(_ under: BackendUnderTest, _ test: ContractCase) throws { try check(under, test) }

  @Test(arguments: BackendUnderTest.all, ContractCase.spatial) func spatial(_ under: BackendUnderTest, _ test: ContractCase) throws { try check(under, test) }

  @Test(arguments: BackendUnderTest.all, ContractCase.transformer)
  func transformer(_ under: BackendUnderTest, _ test: ContractCase) throws { try check(under, test) }

  private func check(_ under: BackendUnderTest, _ test: ContractCase) throws {
    let backend = try under.make()
    let recorder = test.recorded()
    let plan = Lowering.lower(recorder.graph, for: backend.capabilities)
    if let reason = declined(plan, by: backend) {
      #expect(test.mayBeDeclined, "\(under.testDescription) declines: \(reason)")
      return
    }
    let apart = try runChecked(recorder.graph, recorder.values, on: backend)
    // The same plan in one run must give what its steps gave one by one.
    let together = try run(plan, recorder.values, on: backend)
    for (i, (x, y)) in zip(together.outputs, apart.outputs).enumerated() { #expect(areClose(x, y), "output \(i)") }
    for (i, (x, y)) in zip(together.states, apart.states).enumerated() { #expect(x == y, "state \(i)") }
  }

  private func declined(_ plan: Plan, by backend: any Backend) -> String? {
    for step in plan.steps {
      if case .unsupported(let reason) = backend.supports(step.op, plan.views[step.operands].map(\.dtype) + [step.output.dtype]) { return reason }
    }
    return nil
  }
}
