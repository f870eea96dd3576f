public import AviaryTensor

/// Writes files that appear under their names only when they are complete.
public enum FileWriter {
  /// - Throws: `.file` where the folder cannot be written to or the disk is full; then nothing is left behind.
  public static func write(_ bytes: [UInt8], to path: String) throws(AviaryError) {
    let file = try AtomicFile(path: path)
    try bytes.span.withUnsafeBytes { (bytes) throws(AviaryError) in try file.write(bytes) }
    try file.finish()
  }

  /// Whether a file could be written there, found out before hours of work.
  ///
  /// - Throws: as `write`.
  public static func check(_ path: String) throws(AviaryError) { _ = try AtomicFile(path: path) }
}
