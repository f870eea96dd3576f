import AviaryCore
import Foundation

@testable import AviaryMedia

/// The recorded runs of the reference implementations, where they are at hand.
enum Golden {
  static let folder: URL = {
    if let path = ProcessInfo.processInfo.environment["AVIARY_GOLDEN"] { return URL(fileURLWithPath: path) }
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return root.deletingLastPathComponent().appending(path: "shared/golden")
  }()
  static let isThere = FileManager.default.fileExists(atPath: folder.appending(path: "images").path)

  /// The pictures of a case, in order, as paths.
  static func pictures(_ name: String) throws -> [String] {
    let request = try json("\(name)/request.json")
    var found: [String] = []
    for message in request["messages"] as? [[String: Any]] ?? [] {
      for part in message["content"] as? [[String: Any]] ?? [] where part["type"] as? String == "image" {
        found.append(folder.appending(path: "\(name)/\(part["path"] as? String ?? "")").standardized.path)
      }
    }
    return found
  }

  static func json(_ path: String) throws -> [String: Any] {
    let data = try Data(contentsOf: folder.appending(path: path))
    return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
  }

  struct Missing: Error { let what: String }

  /// A float32 tensor of a case's `expected.safetensors`.
  static func tensor(_ name: String, of golden: String) throws -> PixelTensor {
    let data = try Data(contentsOf: folder.appending(path: "\(golden)/expected.safetensors"))
    let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try JSONSerialization.jsonObject(with: data[8..<8 + length]) as? [String: Any] ?? [:]
    guard let entry = header[name] as? [String: Any], entry["dtype"] as? String == "F32",
      let shape = entry["shape"] as? [Int], let offsets = entry["data_offsets"] as? [Int]
    else { throw Missing(what: "\(golden): \(name)") }
    let bytes = data[8 + length + offsets[0]..<8 + length + offsets[1]]
    let values = [UInt8](bytes).withUnsafeBytes { raw in
      (0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
    return PixelTensor(shape: shape, values: values)
  }

  static func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    a.count == b.count ? zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } : .infinity
  }
}
