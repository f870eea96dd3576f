public import AviaryTensor

/// Writing of a whole file at once.
public enum WholeFile {
  /// Writes the file beside its place, to the disk, and renames it: under its name stands the old file or the new one, never a part.
  ///
  /// - Throws: `.file` where it cannot be written, or the disk is full.
  public static func write(_ text: String, to path: String) throws(AviaryError) {
    let file = try AtomicFile(path: path)
    let bytes = Array(text.utf8)
    try bytes.span.withUnsafeBytes { (bytes) throws(AviaryError) in try file.write(bytes) }
    try file.finish()
  }
}
