/// The view operations of the graph as arithmetic on strides: no kernel runs for them.
extension View {
  func permuted(_ axes: Axes) -> View {
    var view = self
    for axis in 0..<shape.count {
      view.shape[axis] = shape[axes[axis]]
      view.strides[axis] = strides[axes[axis]]
    }
    return view
  }

  /// Every `step`-th index of an axis from `start`, `length` of them.
  func sliced(_ axis: Int, start: Int, step: Int, length: Int) -> View {
    var view = self
    // An empty slice may start at the end, which is no element's place.
    if length > 0 { view.offset += start * strides[axis] }
    view.strides[axis] *= step
    view.shape[axis] = length
    return view
  }

  /// Axes of size 1 repeated to the target's sizes.
  func expanded(to target: Shape) -> View {
    var view = self
    for axis in 0..<target.count where shape[axis] != target[axis] { view.strides[axis] = 0 }
    view.shape = target
    return view
  }

  /// The same elements in the same order under another shape, or nil where no strides express that.
  func reshaped(to target: Shape) -> View? {
    var view = self
    view.shape = target
    if target.elements == 0 || isContiguous {
      view.strides = View.rowMajor(target)
      return view
    }
    view.strides = PerAxis(repeating: 0)
    // Runs of source axes whose elements are evenly spaced as one axis, matched from the last axis to the first.
    var source = shape.count - 1
    var axis = target.count - 1
    while axis >= 0 || source >= 0 {
      while source >= 0, shape[source] == 1 { source -= 1 }
      if source < 0 { break }  // only axes of size 1 are left in the target: stride 0 will do
      var length = shape[source]
      let unit = strides[source]
      while source > 0, shape[source - 1] == 1 || strides[source - 1] == unit * length {
        source -= 1
        length *= shape[source]
      }
      source -= 1
      var step = unit
      var left = length
      while left > 1 {
        if axis < 0 || target[axis] == 0 || left % target[axis] != 0 { return nil }
        view.strides[axis] = target[axis] == 1 ? 0 : step
        step *= target[axis]
        left /= target[axis]
        axis -= 1
      }
    }
    return view
  }
}
