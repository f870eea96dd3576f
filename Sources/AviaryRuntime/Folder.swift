import AviaryTensor
import Foundation

/// Folders that a command writes.
enum Folder {
  /// Makes a folder with those above it.
  ///
  /// - Throws: `.file` where that cannot be.
  static func make(_ path: String) throws(AviaryError) {
    do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch {
      throw AviaryError(.file, "the folder cannot be made", wanted: "a place that can be written to", at: path)
    }
  }

  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  /// Names in a folder, sorted; none where it is not there.
  static func names(_ path: String) -> [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }

  /// Copies the plain files of a folder that are wanted, not those of folders in it.
  static func copy(_ from: String, to: String, _ wants: (String) -> Bool) throws(AviaryError) {
    for name in names(from) where wants(name) {
      var isFolder: ObjCBool = false
      // Links are followed: the Hugging Face cache is made of them.
      let source = URL(fileURLWithPath: from + "/" + name).resolvingSymlinksInPath().path
      guard FileManager.default.fileExists(atPath: source, isDirectory: &isFolder), !isFolder.boolValue else { continue }
      do { try FileManager.default.copyItem(atPath: source, toPath: to + "/" + name) } catch {
        throw AviaryError(.file, "\(name) cannot be copied", wanted: "room and a place that can be written to", at: to)
      }
    }
  }

  /// Puts a finished folder in the place of another, or where there is none.
  static func replace(_ path: String, by new: String) throws(AviaryError) {
    let old = path + ".old"
    let manager = FileManager.default
    do {
      try? manager.removeItem(atPath: old)
      if exists(path) { try manager.moveItem(atPath: path, toPath: old) }
      try manager.moveItem(atPath: new, toPath: path)
      try? manager.removeItem(atPath: old)
    } catch {
      throw AviaryError(.file, "the folder cannot be put in its place", wanted: "a place that can be written to", at: path)
    }
  }
}
