public import AviaryCore
public import AviaryTensor
import CImageShim

/// Writes pictures.
public enum ImageEncoder {
  /// The picture as an 8-bit PNG file, RGB or RGBA.
  ///
  /// - Throws: `.request` for an empty picture, `.memory` where there is no room for the file.
  public static func png(_ image: PixelImage) throws(AviaryError) -> [UInt8] {
    guard image.width >= 1, image.height >= 1, image.channels == 3 || image.channels == 4,
      let width = UInt32(exactly: image.width), let height = UInt32(exactly: image.height)
    else {
      throw AviaryError(
        .request, "a picture of \(image.width)x\(image.height)x\(image.channels) is to be written",
        wanted: "at least 1x1 pixels of 3 or 4 channels")
    }
    let channels = UInt32(image.channels)
    var size = 0
    _ = aviary_png_write(image.pixels, width, height, channels, nil, &size)
    var status = AVIARY_IMAGE_OK
    let file = [UInt8](unsafeUninitializedCapacity: size) { room, filled in
      status = aviary_png_write(image.pixels, width, height, channels, room.baseAddress, &size)
      filled = size
    }
    guard status == AVIARY_IMAGE_OK else {
      throw AviaryError(.memory, "there is not enough memory to write the picture")
    }
    return file
  }
}
