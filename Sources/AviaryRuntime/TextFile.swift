public import AviaryCore
import AviaryFormats
public import AviaryTensor

/// Small text files that a user names.
public enum TextFile {
  /// The whole file as UTF-8.
  ///
  /// - Throws: `.file`, `.limit`, or `.format` where it is no UTF-8.
  public static func read(_ path: String, limits: Limits = .standard) throws(AviaryError) -> String {
    let file = try MappedFile(path: path)
    guard file.bytes.count <= limits.configBytes else {
      throw AviaryError(.limit, "a file of \(file.bytes.count) bytes", wanted: "at most \(limits.configBytes)", at: file.name)
    }
    return try withExtendedLifetime(file) { () throws(AviaryError) in
      guard let text = String(validating: file.bytes, as: UTF8.self) else {
        throw AviaryError(.format, "not UTF-8 text", at: file.name)
      }
      return text
    }
  }
}
