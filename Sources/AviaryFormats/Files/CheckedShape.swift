import AviaryTensor

/// The shape of sizes that come from a file, and the bytes that its elements take. `Shape` traps on sizes that it cannot
/// hold; this is the gate in front of it.
///
/// - Throws: `.format` for more than eight axes, sizes outside of `0...Int32.max`, or a product that overflows.
func checkedShape(
  _ dims: [Int], _ dtype: DType, at place: String
) throws(AviaryError) -> (shape: Shape, byteCount: Int) {
  guard dims.count <= Shape.maxRank else {
    throw AviaryError(.format, "the shape has \(dims.count) axes", wanted: "at most \(Shape.maxRank)", at: place)
  }
  // The product without the zeros: strides of a tensor without elements are computed as of any other.
  var product = 1
  for size in dims {
    guard size >= 0, size <= Int(Int32.max) else {
      throw AviaryError(.format, "an axis has the size \(size)", wanted: "0 to \(Int32.max)", at: place)
    }
    let (next, overflow) = product.multipliedReportingOverflow(by: max(size, 1))
    guard !overflow else { throw AviaryError(.format, "the sizes \(dims) overflow when multiplied", at: place) }
    product = next
  }
  let elements = dims.contains(0) ? 0 : product
  guard let byteCount = dtype.byteCount(elements: elements) else {
    throw AviaryError(.format, "\(elements) elements of \(dtype) have more bytes than a number can hold", at: place)
  }
  return (Shape(dims), byteCount)
}
