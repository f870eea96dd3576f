public import AviaryCore
public import AviaryTensor
import CImageShim

/// Decodes pictures: JPEG (baseline, progressive, grey, four inks), PNG (all kinds) and WebP (lossy, lossless, the
/// first frame of an animation). The pixels equal those of Pillow's `convert("RGB")`, made upright by the EXIF
/// orientation; where the file has transparency, alpha stays as a fourth channel.
public enum ImageDecoder {
  /// The picture in `bytes`. The format is told by the first bytes, never by a name.
  ///
  /// The sizes in the header are checked against the limits before anything is allocated for them.
  ///
  /// - Parameter name: what to call the picture in an error.
  /// - Throws: `.limit` for too many bytes, pixels or seconds; `.format` for damaged, cut or unknown data.
  public static func decode(
    _ bytes: [UInt8], limits: Limits = .standard, name: String = "image"
  ) throws(AviaryError) -> PixelImage {
    let result: Result<PixelImage, AviaryError> = bytes.withUnsafeBytes { data in
      do throws(AviaryError) { return .success(try decode(data, limits: limits, name: name)) } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// As above, over bytes that the caller keeps alive.
  public static func decode(
    _ data: UnsafeRawBufferPointer, limits: Limits = .standard, name: String = "image"
  ) throws(AviaryError) -> PixelImage {
    let deadline = aviary_monotonic_seconds() + limits.imageDecodeSeconds
    guard data.count <= limits.imageFileBytes else {
      throw AviaryError(
        .limit, "the picture has \(data.count) bytes", wanted: "at most \(limits.imageFileBytes)", at: name)
    }
    guard let format = ImageFormat(data), let base = data.baseAddress else {
      throw AviaryError(.format, "the data is \(ImageFormat.guess(data))", wanted: "JPEG, PNG or WebP", at: name)
    }
    let bytes = base.assumingMemoryBound(to: UInt8.self)
    var header = aviary_image_header()
    let read =
      switch format {
      case .jpeg: aviary_jpeg_header(bytes, data.count, &header)
      case .png: aviary_png_header(bytes, data.count, &header)
      case .webp: aviary_webp_header(bytes, data.count, &header)
      }
    try check(read, format, limits, name)
    let (width, height, channels) = (Int(header.width), Int(header.height), Int(header.channels))
    try limits.checkImage(width: width, height: height, at: name)

    var status = AVIARY_IMAGE_OK
    let pixels = [UInt8](unsafeUninitializedCapacity: width * height * channels) { room, filled in
      guard let out = room.baseAddress else { return }
      status =
        switch format {
        case .jpeg: aviary_jpeg_pixels(bytes, data.count, &header, deadline, out)
        case .png: aviary_png_pixels(bytes, data.count, &header, deadline, out)
        case .webp: aviary_webp_pixels(bytes, data.count, &header, deadline, out)
        }
      filled = status == AVIARY_IMAGE_OK ? width * height * channels : 0
    }
    try check(status, format, limits, name)
    let image = PixelImage(width: width, height: height, channels: channels, pixels: pixels)
    return image.oriented(Orientation(data, format))
  }

  private static func check(
    _ status: aviary_image_status, _ format: ImageFormat, _ limits: Limits, _ name: String
  ) throws(AviaryError) {
    let kind = format.rawValue
    switch status {
    case AVIARY_IMAGE_OK: return
    case AVIARY_IMAGE_TRUNCATED:
      throw AviaryError(.format, "the \(kind) data ends before the picture does", wanted: "the whole file", at: name)
    case AVIARY_IMAGE_UNSUPPORTED:
      throw AviaryError(
        .format, "this kind of \(kind) picture is not read", wanted: "8-bit grey, colour or four-ink JPEG, PNG or WebP",
        at: name)
    case AVIARY_IMAGE_TOO_LARGE:
      throw AviaryError(
        .limit, "the \(kind) picture is larger than any that is read", wanted: "sides of at most \(limits.imageSide)",
        at: name)
    case AVIARY_IMAGE_MEMORY:
      throw AviaryError(.memory, "there is not enough memory to decode the \(kind) picture", at: name)
    case AVIARY_IMAGE_TIMEOUT:
      throw AviaryError(
        .limit, "decoding the \(kind) picture took too long", wanted: "at most \(limits.imageDecodeSeconds) s", at: name)
    case AVIARY_IMAGE_SCANS:
      throw AviaryError(.limit, "the \(kind) picture has more than 256 scans", wanted: "a usual picture", at: name)
    default: throw AviaryError(.format, "the \(kind) data is damaged", wanted: "an intact file", at: name)
    }
  }
}

extension Limits {
  /// Refuses sizes that no picture may have, before memory is taken for them.
  func checkImage(width: Int, height: Int, at place: String) throws(AviaryError) {
    guard width >= 1, height >= 1 else {
      throw AviaryError(.format, "the picture is \(width)x\(height) pixels", wanted: "at least 1x1", at: place)
    }
    guard width <= imageSide, height <= imageSide else {
      throw AviaryError(
        .limit, "the picture is \(width)x\(height) pixels", wanted: "sides of at most \(imageSide)", at: place)
    }
    let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
    guard !overflow, pixels <= imagePixels else {
      throw AviaryError(
        .limit, "the picture is \(width)x\(height) pixels", wanted: "at most \(imagePixels) pixels", at: place)
    }
  }
}
