/// What a kernel may rely on in an operand's strides.
enum OperandLayout {
  case any, unitRows, contiguous

  func accepts(_ view: View) -> Bool {
    switch self {
    case .any: true
    case .unitRows: view.hasUnitRows || view.shape.elements == 0
    case .contiguous: view.isContiguous || view.shape.elements == 0
    }
  }
}

extension Op {
  /// The layout rules stated at `Plan`, by operand.
  ///
  /// - Parameter anyStrides: `Capabilities.readsAnyStrides`.
  func layout(of view: View, asOperand index: Int, anyStrides: Bool) -> OperandLayout {
    switch self {
    case .matmul where anyStrides && view.dtype == .f32: .any
    case .matmul: index == 1 && view.shape.count == 2 ? .contiguous : .unitRows
    case .linear(let spec): index == 0 || (spec.hasResidual && index == (spec.hasBias ? 3 : 2)) ? .unitRows : .contiguous
    case .layerNorm, .rmsNorm, .rope: index == 0 ? .unitRows : .contiguous
    case .attention(let spec): index == 3 && spec.hasPositions ? .contiguous : .unitRows
    case .softmax, .swiglu, .topK: .unitRows
    case .gatherRows: index == 0 ? .unitRows : .any
    case .conv2d, .pool2d, .resize2d, .groupNorm, .reduce, .cumsum: .contiguous
    default: .any
    }
  }

  /// Operands that a kernel reads in the type they are stored in, where the backend claims that type.
  func readsStoredType(ofOperand index: Int) -> Bool {
    switch self {
    case .matmul, .linear, .conv2d: index == 1
    case .gatherRows: index == 0
    case .attention: index == 1 || index == 2
    default: false
    }
  }

  /// Whether some operand may be quantised.
  var readsBlocks: Bool {
    switch self {
    case .matmul, .linear, .attention, .gatherRows, .scatterRows, .contiguous, .cast, .permute, .reshape, .slice, .expand: true
    default: false
    }
  }

  /// Element i of the output depends on element i of the operands only.
  var isElementwise: Bool {
    switch self {
    case .unary, .binary, .select, .clamp, .cast: true
    default: false
    }
  }
}
