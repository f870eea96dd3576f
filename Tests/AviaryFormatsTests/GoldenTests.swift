import AviaryCore
import AviaryFormats
import AviaryTensor
import Glibc
import Testing

/// Every file of the recorded runs: written by the reference libraries, so all of them must open.
@Suite(.enabled(if: Golden.isPresent)) struct GoldenTests {
  /// All paths below a folder.
  static func files(_ folder: String) -> [String] {
    folderNames(folder).flatMap { name -> [String] in
      let path = folder + "/" + name
      var status = stat()
      guard stat(path, &status) == 0 else { return [] }
      return status.st_mode & S_IFMT == S_IFDIR ? files(path) : [path]
    }
  }

  @Test func everyFileOpens() throws {
    var weights = 0
    var tensors = 0
    var documents = 0
    for path in Self.files(Golden.folder) {
      if path.hasSuffix(".json") {
        let value = try JSONParser.parse(file: path)
        #expect(try JSONParser.parse(Array(JSONWriter.text(value).utf8), name: path) == value)
        documents += 1
      } else if [".safetensors", ".bin", ".pt", ".pth"].contains(where: path.hasSuffix) {
        let source = try Checkpoint.open(path)
        for name in source.names {
          let tensor = try #require(try source.tensor(name), "\(path): \(name)")
          #expect(tensor.elements(UInt8.self).count == tensor.dtype.byteCount(elements: tensor.shape.elements))
          tensors += 1
        }
        weights += 1
      }
    }
    #expect(
      weights > 100 && tensors > weights && documents > 100,
      "\(weights) files, \(tensors) tensors, \(documents) documents")
  }

  @Test func everyModelFolderOpens() throws {
    var count = 0
    for name in folderNames(Golden.folder) {
      let folder = Golden.folder + "/" + name + "/model"
      let files = folderNames(folder)
      guard files.contains(where: { $0.hasSuffix(".safetensors") || $0.hasPrefix("pytorch_model") }) else { continue }
      #expect(try !Checkpoint.open(folder).names.isEmpty, "\(name)")
      count += 1
    }
    #expect(count > 20)
  }

  /// The original layout of LLaVA names a tower that lies beside the model, Yi-VL one inside of it.
  @Test func towersAreFound() throws {
    for name in folderNames(Golden.folder) {
      let folder = Golden.folder + "/" + name + "/model"
      let config = folder + "/config.json"
      guard access(config, R_OK) == 0, let tower = try JSONParser.parse(file: config)["mm_vision_tower"]?.string else {
        continue
      }
      let path = try ModelPath.resolveTower(tower, modelFolder: folder, environment: [:], home: "/nowhere")
      #expect(try !Checkpoint.open(path).names.isEmpty, "\(name): \(tower)")
    }
  }
}
