import AviaryCore
import AviaryTensor

/// A `*.index.json`: which file has which tensor.
struct ShardIndex {
  let name: String
  /// Tensor and file, in the order of the index.
  let rows: [(tensor: String, file: String)]
  /// Every file once, in the order of their first mention.
  let files: [String]

  /// - Throws: `.format` where `weight_map` is no object of plain file names.
  init(_ path: String, limits: Limits) throws(AviaryError) {
    name = FileSystem.lastComponent(path)
    let document = try JSONParser.parse(file: path, limits: limits)
    guard let map = document["weight_map"]?.object else {
      let found = document["weight_map"].map { "`weight_map` is \($0.kindDescription)" } ?? "there is no `weight_map`"
      throw AviaryError(.format, found, wanted: "an object of tensor names and file names", at: name)
    }
    var rows: [(tensor: String, file: String)] = []
    var files: [String] = []
    var seen: Set<String> = []
    for (tensor, value) in map.members {
      let place = "\(name), weight \(quoted(tensor))"
      guard let file = value.string else {
        throw AviaryError(.format, "its file is \(value.kindDescription)", wanted: "a file name", at: place)
      }
      guard try ContainedPath.components(file, at: place) == [file] else {
        throw AviaryError(.format, "its file is \(quoted(file))", wanted: "a file in the same folder", at: place)
      }
      rows.append((tensor, file))
      if seen.insert(file).inserted { files.append(file) }
    }
    self.rows = rows
    self.files = files
  }

  /// Opens the files and checks that each has the tensors that the index places in it.
  func open(in folder: String, limits: Limits) throws(AviaryError) -> any WeightSource {
    var shards: [MergedSource.Part] = []
    var held: [String: Set<String>] = [:]
    for file in files {
      let shard = try Checkpoint.open(file: ContainedPath.resolve(file, in: folder, at: name), limits: limits)
      shards.append(MergedSource.Part(shard))
      held[file] = Set(shard.names)
    }
    for (tensor, file) in rows where held[file]?.contains(tensor) != true {
      throw AviaryError(
        .weights, "weight \(quoted(tensor)) is not in \(quoted(file))", wanted: "what the index says", at: name)
    }
    return try MergedSource(shards, summary: "\(files.count) files of \(quoted(name))")
  }
}
