import AviaryCore
import AviaryTensor

/// The stack machine of Python's pickle, with data for values. One loop, no recursion; its memory is bounded by the
/// number of opcodes.
struct PickleMachine {
  private var reader: ByteReader
  let name: String
  let limits: Limits
  private var opcodeOffset = 0

  var stack: [PickleValue] = []
  /// Heights of the stack at the open marks. Nothing below the last one can be popped.
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]
  var tupleElements: [PickleValue] = []
  var dicts: [PickleDict] = []
  var tensors: [PickledTensor] = []
  var storages: [String: PickledStorage] = [:]

  init(_ bytes: UnsafeRawBufferPointer, name: String, limits: Limits) {
    reader = ByteReader(bytes)
    self.name = name
    self.limits = limits
  }

  /// Runs to `STOP` and gives the object.
  mutating func run() throws(AviaryError) -> PickleValue {
    var count = 0
    while true {
      opcodeOffset = reader.offset
      guard let byte = reader.byte() else { throw error("it ends without its STOP") }
      count += 1
      guard count <= limits.pickleOpcodes else {
        throw AviaryError(.limit, "too many opcodes", wanted: "at most \(limits.pickleOpcodes)", at: place)
      }
      guard let opcode = PickleOpcode(rawValue: byte) else { throw refusal(byte) }
      if opcode == .stop { break }
      try step(opcode)
    }
    let root = try pop()
    guard stack.isEmpty, marks.isEmpty, reader.remaining == 0 else {
      throw error("values or bytes are left over at its STOP", wanted: "one object")
    }
    return root
  }

  private mutating func step(_ opcode: PickleOpcode) throws(AviaryError) {
    switch opcode {
    case .stop: break
    case .proto:
      let version = try read(UInt8.self)
      guard (2...5).contains(version) else { throw error("its protocol is \(version)", wanted: "2 to 5") }
    case .frame:
      guard try read(UInt64.self) <= UInt64(reader.remaining) else { throw error("a frame reaches past the end") }
    case .mark:
      guard marks.count < limits.pickleDepth else { throw tooDeep() }
      marks.append(stack.count)
    case .pop: _ = try pop()
    case .popMark: _ = try popToMark()
    case .dup: stack.append(try top())
    case .none: stack.append(.none)
    case .newTrue: stack.append(.bool(true))
    case .newFalse: stack.append(.bool(false))
    case .binInt: stack.append(.int(Int(try read(Int32.self))))
    case .binInt1: stack.append(.int(Int(try read(UInt8.self))))
    case .binInt2: stack.append(.int(Int(try read(UInt16.self))))
    case .long1: stack.append(.int(try long(byteCount: Int(read(UInt8.self)))))
    case .long4: stack.append(.int(try long(byteCount: Int(read(UInt32.self)))))
    case .binFloat: stack.append(.double(Double(bitPattern: UInt64(bigEndian: try read(UInt64.self).littleEndian))))
    case .shortBinUnicode: stack.append(.string(try text(UInt64(read(UInt8.self)))))
    case .binUnicode: stack.append(.string(try text(UInt64(read(UInt32.self)))))
    case .binUnicode8: stack.append(.string(try text(read(UInt64.self))))
    case .emptyTuple: try pushTuple([])
    case .tuple: try pushTuple(popToMark())
    case .tuple1: try pushTuple([pop()])
    case .tuple2: try pushTuple(Array([pop(), pop()].reversed()))
    case .tuple3: try pushTuple(Array([pop(), pop(), pop()].reversed()))
    case .emptyList: stack.append(.list)
    case .list:
      _ = try popToMark()
      stack.append(.list)
    case .append:
      _ = try pop()
      try expectList()
    case .appends:
      _ = try popToMark()
      try expectList()
    case .emptyDict: pushDict()
    case .dict:
      let items = try popToMark()
      pushDict()
      try setItems(items)
    case .setItem:
      let value = try pop()
      try setItems([pop(), value])
    case .setItems: try setItems(popToMark())
    case .global: try pushGlobal(module: line(), name: line())
    case .stackGlobal:
      guard case .string(let name) = try pop(), case .string(let module) = try pop() else {
        throw error("STACK_GLOBAL without two strings")
      }
      try pushGlobal(module: module, name: name)
    case .reduce:
      let arguments = try pop()
      try reduce(pop(), arguments)
    case .build:
      _ = try pop()
      // An OrderedDict's state is its `_metadata` of module versions. Nothing else has a state that we know.
      guard case .dict = try top() else { throw error("BUILD on \(try top().description)", wanted: "on a dict only") }
    case .binPersId: stack.append(.storage(try storage(pop())))
    case .binGet: try get(Int(read(UInt8.self)))
    case .longBinGet: try get(Int(read(UInt32.self)))
    case .binPut: memo[Int(try read(UInt8.self))] = try top()
    case .longBinPut: memo[Int(try read(UInt32.self))] = try top()
    case .memoize: memo[memo.count] = try top()
    }
  }

  // MARK: Operands

  private mutating func read<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws(AviaryError) -> T {
    guard let value = reader.integer(type) else { throw error("it ends inside an opcode") }
    return value
  }

  /// A little-endian two's-complement integer of that many bytes.
  private mutating func long(byteCount: Int) throws(AviaryError) -> Int {
    guard byteCount <= 8 else { throw error("an integer of \(byteCount) bytes", wanted: "at most 8") }
    guard let bytes = reader.take(byteCount) else { throw error("it ends inside an integer") }
    let isNegative = (bytes.last ?? 0) & 0x80 != 0
    return bytes.reversed().reduce(isNegative ? -1 : 0) { $0 << 8 | Int($1) }
  }

  private mutating func text(_ length: UInt64) throws(AviaryError) -> String {
    guard let length = Int(exactly: length), let bytes = reader.take(length) else {
      throw error("a string of \(length) bytes reaches past the end", wanted: "at most \(reader.remaining)")
    }
    guard let text = utf8Text(bytes) else { throw error("a string is not valid UTF-8") }
    return text
  }

  /// The text up to the next newline, as `GLOBAL` has it.
  private mutating func line() throws(AviaryError) -> String {
    let longest = min(reader.remaining, 256)
    let start = reader.offset
    guard let length = reader.bytes[start..<start + longest].firstIndex(of: 0x0A).map({ $0 - start }),
      let bytes = reader.take(length), reader.byte() != nil, let text = utf8Text(bytes)
    else { throw error("a name without its end", wanted: "at most 256 bytes of UTF-8") }
    return text
  }

  // MARK: The stack

  mutating func pop() throws(AviaryError) -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.popLast() else { throw error("its stack is empty") }
    return value
  }

  private func top() throws(AviaryError) -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.last else { throw error("its stack is empty") }
    return value
  }

  private mutating func popToMark() throws(AviaryError) -> [PickleValue] {
    guard let mark = marks.popLast() else { throw error("a mark is missing on its stack") }
    let items = Array(stack[mark...])
    stack.removeSubrange(mark...)
    return items
  }

  private mutating func pushTuple(_ elements: [PickleValue]) throws(AviaryError) {
    var depth = 1
    for case .tuple(let inner) in elements { depth = max(depth, inner.depth + 1) }
    guard depth <= limits.pickleDepth else { throw tooDeep() }
    stack.append(.tuple(PickleTuple(start: tupleElements.count, count: elements.count, depth: depth)))
    tupleElements += elements
  }

  private func expectList() throws(AviaryError) {
    guard case .list = try top() else { throw error("an element for \(try top().description)", wanted: "a list") }
  }

  mutating func pushDict() {
    stack.append(.dict(dicts.count))
    dicts.append(PickleDict())
  }

  private mutating func setItems(_ items: [PickleValue]) throws(AviaryError) {
    guard case .dict(let index) = try top() else {
      throw error("members for \(try top().description)", wanted: "a dict")
    }
    guard items.count % 2 == 0 else { throw error("a key without its value") }
    for position in stride(from: 0, to: items.count, by: 2) {
      guard case .string(let key) = items[position] else { continue }
      if case .tensor = items[position + 1] { dicts[index].tensorPositions.append(dicts[index].keys.count) }
      dicts[index].keys.append(key)
      dicts[index].values.append(items[position + 1])
    }
  }

  private mutating func get(_ index: Int) throws(AviaryError) {
    guard let value = memo[index] else { throw error("memo \(index) is read before it is written") }
    stack.append(value)
  }

  // MARK: Errors

  var place: String { "\(name), byte \(opcodeOffset)" }

  func error(_ found: String, wanted: String = "") -> AviaryError {
    AviaryError(.format, "the pickle is not one of tensors: \(found)", wanted: wanted, at: place)
  }

  private func tooDeep() -> AviaryError {
    AviaryError(.limit, "values are nested too deeply", wanted: "at most \(limits.pickleDepth) levels", at: place)
  }

  private func refusal(_ byte: UInt8) -> AviaryError {
    let opcode = PickleOpcode.refused[byte] ?? "0x" + String(byte, radix: 16, uppercase: true)
    return error("opcode \(opcode)", wanted: "only what tensors and plain values need")
  }
}
