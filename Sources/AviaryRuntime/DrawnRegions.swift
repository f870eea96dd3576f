public import AviaryCore
import AviaryFormats
import AviaryMedia
public import AviaryTensor

/// Pictures with places drawn on them.
public enum DrawnRegions {
  /// Writes a PNG file, whole or not at all.
  ///
  /// - Throws: `.file` where it cannot be written.
  public static func write(_ regions: [Region], on image: ImageInput, to path: String) throws(AviaryError) {
    try FileWriter.write(try ImageEncoder.png(image.image.drawing(regions)), to: path)
  }
}
