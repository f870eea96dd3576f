import AviaryCore
import AviaryFormats
import AviaryTensor
import Glibc
import Testing

/// The recorded reference runs: beside the package, or where `AVIARY_GOLDEN` says.
enum Golden {
  static let folder: String = {
    if let value = getenv("AVIARY_GOLDEN") { return String(cString: value) }
    let parts = #filePath.split(separator: "/").dropLast(3)  // Tests/AviaryFormatsTests/Support.swift
    return "/" + parts.dropLast().joined(separator: "/") + "/shared/golden"
  }()
  static let isPresent = access(folder, R_OK) == 0
}

/// A folder that is gone when the value is.
final class TemporaryFolder {
  let path: String

  init() throws {
    var template = Array("/tmp/aviary-formats-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw AviaryError(.file, "no temporary folder") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Writes a file, making its folders; gives its path.
  @discardableResult
  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let target = try prepare(name)
    guard let file = fopen(target, "wb") else { throw AviaryError(.file, "cannot write \(target)") }
    defer { fclose(file) }
    fwrite(bytes, 1, bytes.count, file)
    return target
  }

  @discardableResult
  func write(_ name: String, _ text: String) throws -> String { try write(name, Array(text.utf8)) }

  @discardableResult
  func link(_ name: String, to destination: String) throws -> String {
    let target = try prepare(name)
    symlink(destination, target)
    return target
  }

  /// Makes a folder; gives its path.
  @discardableResult
  func folder(_ name: String) throws -> String { try FolderMaker.make(prepare(name + "/x"), dropping: 1) }

  private func prepare(_ name: String) throws -> String {
    let target = path + "/" + name
    _ = try FolderMaker.make(target, dropping: 1)
    return target
  }

  private enum FolderMaker {
    static func make(_ path: String, dropping: Int) throws -> String {
      var folder = ""
      for part in path.split(separator: "/").dropLast(dropping) {
        folder += "/" + part
        mkdir(folder, 0o755)
      }
      return folder
    }
  }

  deinit {
    func remove(_ path: String) {
      var status = stat()
      guard lstat(path, &status) == 0 else { return }
      if status.st_mode & S_IFMT == S_IFDIR, let stream = opendir(path) {
        while let entry = readdir(stream) {
          let name = withUnsafeBytes(of: entry.pointee.d_name) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
          }
          if name != ".", name != ".." { remove(path + "/" + name) }
        }
        closedir(stream)
        rmdir(path)
      } else {
        unlink(path)
      }
    }
    remove(path)
  }
}

/// The error that the closure throws, as text; a missing error is a failed test.
func errorText(_ body: () throws -> Void, sourceLocation: SourceLocation = #_sourceLocation) -> String {
  do {
    try body()
    Issue.record("no error was thrown", sourceLocation: sourceLocation)
    return ""
  } catch {
    return String(describing: error)
  }
}

func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

extension OwnedPages {
  /// A file in memory.
  static func file(_ bytes: [UInt8], name: String = "test") throws -> OwnedPages { try OwnedPages(bytes, name: name) }
}

extension Pages {
  /// A copy of the bytes; the pages live while it is made.
  var content: [UInt8] { withExtendedLifetime(self) { Array(bytes) } }
}

extension StoredTensor {
  /// The elements as the type that the caller knows them to have.
  func elements<T: BitwiseCopyable>(_ type: T.Type) -> [T] {
    withExtendedLifetime(pages) { bytes.withMemoryRebound(to: T.self) { Array($0) } }
  }
}

/// The names in a folder, `.` and `..` left out.
func folderNames(_ path: String) -> [String] {
  guard let stream = opendir(path) else { return [] }
  defer { closedir(stream) }
  var names: [String] = []
  while let entry = readdir(stream) {
    let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    if name != ".", name != ".." { names.append(name) }
  }
  return names.sorted()
}

/// Opens the file with each of its bytes changed in five ways and reads all tensors of what still opens.
///
/// - Returns: how many were refused. Any other end than success or an `AviaryError` fails the test.
@discardableResult
func forEachFlippedByte(of file: [UInt8], open: ([UInt8]) throws -> any WeightSource) throws -> Int {
  var refused = 0
  for index in file.indices {
    for flip: UInt8 in [0x01, 0x10, 0x20, 0x80, 0xFF] {
      var bytes = file
      bytes[index] ^= flip
      do {
        let source = try open(bytes)
        for name in source.names { _ = try #require(try source.tensor(name)).elements(UInt8.self).reduce(0, ^) }
      } catch is AviaryError {
        refused += 1
      }
    }
  }
  return refused
}
