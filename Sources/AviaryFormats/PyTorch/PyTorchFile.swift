public import AviaryCore
public import AviaryTensor

/// A checkpoint of `torch.save` in its zip form (PyTorch 1.6 and later): `.bin`, `.pt`, `.pth`.
///
/// The pickle in it is read as data (`PickleReader`) and its checksum is compared. The checksums of the storages are
/// not: that would read the whole file at opening, where the mapped pages are otherwise read only when they are used;
/// their lengths are compared instead, which is all that safetensors could check too.
public struct PyTorchFile: WeightSource {
  public let names: [String]
  /// The keys of the outermost dict: `["model", "optimizer", "epoch"]`. A tensor in `model` is named `model.<name>`.
  public let topLevelKeys: [String]
  private let tensors: [String: PickledTensor]
  /// Byte ranges of the storages by their keys.
  private let storages: [String: Range<Int>]
  private let pages: any Pages

  /// Maps and checks a file.
  public init(path: String, limits: Limits = .standard) throws(AviaryError) {
    try self.init(pages: MappedFile(path: path), limits: limits)
  }

  /// Checks a file that is in memory.
  ///
  /// - Throws: `.format` for any other format, a compressed entry, a pickle that is not one of tensors, a storage that is
  ///   missing or of another length than its tensors need; `.limit`.
  public init(pages: any Pages, limits: Limits = .standard) throws(AviaryError) {
    self.pages = pages
    let (pickle, storages) = try withExtendedLifetime(pages) { () throws(AviaryError) in
      do throws(AviaryError) {
        return try PyTorchFile.open(pages.bytes, limits)
      } catch {
        throw error.at(pages.name)
      }
    }
    var tensors: [String: PickledTensor] = [:]
    for (name, tensor) in pickle.tensors { tensors[name] = tensor }
    names = pickle.tensors.map(\.name)
    topLevelKeys = pickle.topLevelKeys
    self.tensors = tensors
    self.storages = storages
  }

  /// The tensor as a view into the file where it is contiguous and aligned, else as a copy.
  public func tensor(_ name: String) throws(AviaryError) -> StoredTensor? {
    guard let tensor = tensors[name], let range = storages[tensor.storage.key] else { return nil }
    let (shape, dtype) = (tensor.shape, tensor.storage.dtype)
    if tensor.isContiguous {
      let offset = shape.elements == 0 ? 0 : tensor.offset * dtype.blockBytes
      let view = StoredTensor(
        name: name, shape: shape, dtype: dtype, pages: pages, offset: range.lowerBound + offset)
      return try view.aligned()
    }
    let byteCount = dtype.byteCount(elements: shape.elements) ?? .max
    guard byteCount <= pages.bytes.count else {
      // Only strides of zero make a view that is larger than what it shows.
      let found = "tensor \(quoted(name)) repeats its elements to \(byteCount) bytes"
      throw AviaryError(.limit, found, wanted: "at most the size of its file, \(pages.bytes.count)", at: pages.name)
    }
    let copy = try OwnedPages(count: byteCount, name: pages.name) { (target) throws(AviaryError) in
      try StridedCopy.copy(tensor, from: UnsafeRawBufferPointer(rebasing: pages.bytes[range]), to: target)
    }
    return StoredTensor(name: name, shape: shape, dtype: dtype, pages: copy, offset: 0)
  }

  public var summary: String { "\(quoted(pages.name)), \(names.count) tensors" }

  private static func open(
    _ bytes: UnsafeRawBufferPointer, _ limits: Limits
  ) throws(AviaryError) -> (PickledTensors, storages: [String: Range<Int>]) {
    let archive = try ZipArchive(bytes, limits: limits)
    let pickles = archive.entries.filter { $0.name.hasSuffix("/data.pkl") && $0.name.split(separator: "/").count == 2 }
    guard pickles.count == 1, let entry = pickles.first else {
      throw AviaryError(.format, "the zip file has \(pickles.count) entries `<folder>/data.pkl`", wanted: "one")
    }
    let folder = entry.name.dropLast("data.pkl".count)
    let byName = Dictionary(archive.entries.map { ($0.name, $0) }) { first, _ in first }
    if let order = byName[folder + "byteorder"] {
      let text = utf8Text(try archive.checkedBytes(order, in: bytes)) ?? ""
      guard text == "little" else {
        throw AviaryError(.format, "its byte order is \(quoted(text))", wanted: "`little`", at: quoted(order.name))
      }
    }
    let pickle = try PickleReader.read(
      archive.checkedBytes(entry, in: bytes), name: quoted(entry.name), limits: limits)
    var storages: [String: Range<Int>] = [:]
    for (name, tensor) in pickle.tensors {
      let storage = tensor.storage
      guard let entry = byName[folder + "data/" + storage.key] else {
        throw AviaryError(.format, "there is no storage \(quoted(storage.key))", at: "tensor \(quoted(name))")
      }
      guard storage.dtype.byteCount(elements: storage.count) == entry.range.count else {
        throw AviaryError(
          .format, "storage \(quoted(storage.key)) has \(entry.range.count) bytes",
          wanted: "those of \(storage.count) \(storage.dtype)", at: "tensor \(quoted(name))")
      }
      storages[storage.key] = entry.range
    }
    return (pickle, storages)
  }
}
