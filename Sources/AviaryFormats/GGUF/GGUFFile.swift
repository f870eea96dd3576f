public import AviaryCore
public import AviaryTensor

/// A GGUF file (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), version 2 or 3, or one that is split into
/// several. All is checked at opening; a tensor's bytes are then views into the file.
public struct GGUFFile: WeightSource {
  /// In the order of the file.
  public let names: [String]
  /// The metadata, but for long arrays: keys as in the file, `llama.block_count`.
  public let metadata: ConfigReader
  private let arrays: [String: GGUFArray]
  private let tensors: [String: StoredTensor]
  public let summary: String

  /// Maps and checks a file, and where it is the first of a split (`NAME-00001-of-00003.gguf`) the others beside it.
  public init(path: String, limits: Limits = .standard) throws(AviaryError) {
    let name = FileSystem.lastComponent(path)
    let first = try GGUFFile(pages: MappedFile(path: path), limits: limits)
    let count = try first.metadata.int("split.count", default: 1, in: 0...GGUFSplit.most)
    self = count > 1 ? try GGUFSplit(first, name: name, folder: FileSystem.parent(path), count: count, limits).joined() : first
  }

  /// Checks a file that is in memory.
  ///
  /// - Throws: `.format` where a rule of the format is broken; `.limit`.
  public init(pages: any Pages, limits: Limits = .standard) throws(AviaryError) {
    let header: GGUFHeader
    do throws(AviaryError) {
      header = try withExtendedLifetime(pages) { () throws(AviaryError) in try GGUFHeader(pages, limits: limits) }
    } catch { throw error.at(pages.name) }
    var object = JSONObject()
    var arrays: [String: GGUFArray] = [:]
    for key in header.keys {
      if case .array(let array)? = header.values[key] { arrays[key] = array }
      if let json = header.values[key]?.json { object.append(key, json) }
    }
    var tensors: [String: StoredTensor] = [:]
    for row in header.tensors {
      tensors[row.name] = StoredTensor(
        name: row.name, shape: row.shape, dtype: row.dtype, pages: pages, offset: header.dataStart + row.range.lowerBound)
    }
    self.init(
      names: header.tensors.map(\.name), metadata: try ConfigReader(.object(object), place: pages.name), arrays: arrays, tensors: tensors,
      summary: pages.name)
  }

  private init(names: [String], metadata: ConfigReader, arrays: [String: GGUFArray], tensors: [String: StoredTensor], summary: String) {
    self.names = names
    self.metadata = metadata
    self.arrays = arrays
    self.tensors = tensors
    self.summary = summary
  }

  public func tensor(_ name: String) throws(AviaryError) -> StoredTensor? { tensors[name] }

  /// An array of the metadata, of any length.
  public func array(_ key: String) -> GGUFArray? { arrays[key] }

  /// This file's metadata with the tensors of several.
  func joining(_ others: [GGUFFile], summary: String) throws(AviaryError) -> GGUFFile {
    var (names, tensors) = (names, tensors)
    for other in others {
      for name in other.names {
        guard let tensor = other.tensors[name], tensors.updateValue(tensor, forKey: name) == nil else {
          throw AviaryError(.format, "tensor \(quoted(name)) is in two parts", wanted: "one", at: summary)
        }
        names.append(name)
      }
    }
    return GGUFFile(names: names, metadata: metadata, arrays: arrays, tensors: tensors, summary: summary)
  }
}

/// A model in several files, `NAME-00001-of-00003.gguf` and so on: the first has the metadata.
struct GGUFSplit {
  /// Parts that the names can count.
  static let most = 99_999

  private let first: GGUFFile
  private let stem: String
  private let folder: String
  private let count: Int
  private let limits: Limits

  /// - Throws: `.request` where it is not the first part, `.format` where its name is not that of a part.
  init(_ first: GGUFFile, name: String, folder: String, count: Int, _ limits: Limits) throws(AviaryError) {
    let ending = GGUFSplit.ending(1, count)
    let number = try first.metadata.int("split.no", in: 0...GGUFSplit.most)
    guard number == 0 else { throw AviaryError(.request, "part \(number + 1) of \(count)", wanted: "the first part, …\(ending)", at: name) }
    guard name.hasSuffix(ending), name.utf8.count > ending.utf8.count else {
      throw AviaryError(.format, "the first of \(count) parts under this name", wanted: "a name that ends in \(ending), so that the others are found", at: name)
    }
    (self.first, self.folder, self.count, self.limits) = (first, folder, count, limits)
    stem = String(name.dropLast(ending.count))
  }

  private static func ending(_ number: Int, _ count: Int) -> String {
    func padded(_ value: Int) -> String { String(repeating: "0", count: max(5 - String(value).count, 0)) + String(value) }
    return "-\(padded(number))-of-\(padded(count)).gguf"
  }

  func joined() throws(AviaryError) -> GGUFFile {
    var others: [GGUFFile] = []
    for number in 1..<count {
      let name = stem + GGUFSplit.ending(number + 1, count)
      let part = try GGUFFile(pages: MappedFile(path: ContainedPath.resolve(name, in: folder, at: "part \(number + 1) of \(count)")), limits: limits)
      let (ownNumber, ownCount) = (try part.metadata.int("split.no", in: 0...GGUFSplit.most), try part.metadata.int("split.count", in: 0...GGUFSplit.most))
      guard ownNumber == number, ownCount == count else {
        throw AviaryError(.format, "it says that it is part \(ownNumber + 1) of \(ownCount)", wanted: "part \(number + 1) of \(count)", at: name)
      }
      others.append(part)
    }
    let whole = try first.joining(others, summary: "\(count) files of \(stem)")
    if let declared = try first.metadata.optionalInt("split.tensors.count", in: 0...limits.tensorsPerFile), declared != whole.names.count {
      throw AviaryError(.format, "the parts have \(whole.names.count) tensors", wanted: "\(declared), as the first part says", at: stem)
    }
    return whole
  }
}
