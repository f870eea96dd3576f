/// C structs and arrays that live as long as this does: what Vulkan's structs point to.
struct Scratch: ~Copyable {
  private var owned: [UnsafeMutableRawPointer] = []

  deinit { for pointer in owned { pointer.deallocate() } }

  /// A copy of one value.
  mutating func one<T>(_ value: T) -> UnsafeMutablePointer<T> { array([value]) }

  /// A copy of an array; an empty one has an address all the same.
  mutating func array<T>(_ values: [T]) -> UnsafeMutablePointer<T> {
    let pointer = UnsafeMutablePointer<T>.allocate(capacity: max(values.count, 1))
    pointer.initialize(from: values, count: values.count)
    owned.append(UnsafeMutableRawPointer(pointer))
    return pointer
  }

  mutating func string(_ text: String) -> UnsafePointer<CChar> { UnsafePointer(array(text.utf8CString.map { $0 })) }

  /// An array of C strings.
  mutating func strings(_ texts: [String]) -> UnsafeMutablePointer<UnsafePointer<CChar>?> {
    var pointers: [UnsafePointer<CChar>?] = []
    for text in texts { pointers.append(string(text)) }
    let array = UnsafeMutablePointer<UnsafePointer<CChar>?>.allocate(capacity: max(pointers.count, 1))
    array.initialize(from: pointers, count: pointers.count)
    owned.append(UnsafeMutableRawPointer(array))
    return array
  }
}

/// The text of a C array of characters with a fixed size.
func text<T>(_ characters: T) -> String {
  withUnsafeBytes(of: characters) { bytes in String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
}

/// What a function of Vulkan's that lists things in two calls has to say.
func listed<T>(_ empty: T, _ call: (UnsafeMutablePointer<UInt32>, UnsafeMutablePointer<T>?) -> Void) -> [T] {
  var count: UInt32 = 0
  call(&count, nil)
  var items = [T](repeating: empty, count: Int(count))
  items.withUnsafeMutableBufferPointer { call(&count, $0.baseAddress) }
  return Array(items.prefix(Int(count)))
}
