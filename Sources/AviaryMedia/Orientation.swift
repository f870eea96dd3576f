import AviaryCore

/// How a camera was held, as EXIF numbers it: 1 is upright, 2 to 8 are the mirrored and turned ones.
enum Orientation: UInt16 {
  case upright = 1
  case mirrored, turnedHalf, flipped, transposed, turnedRight, transversed, turnedLeft

  /// The orientation of a picture file; upright where there is none or where it makes no sense.
  init(_ file: UnsafeRawBufferPointer, _ format: ImageFormat) {
    let block =
      switch format {
      case .jpeg: Self.jpegBlock(file)
      case .png: Self.pngBlock(file)
      case .webp: Self.webpBlock(file)
      }
    self = block.flatMap { Self.read($0) } ?? .upright
  }

  private static let signature = Array("Exif\0\0".utf8)

  /// The orientation tag of the first directory of a TIFF block. No pointer but the first is followed.
  static func read(_ block: Slice<UnsafeRawBufferPointer>) -> Orientation? {
    let tiff = UnsafeRawBufferPointer(rebasing: block.starts(with: signature) ? block.dropFirst(6) : block)
    let isBig: Bool
    if tiff.starts(with: [0x49, 0x49, 0x2A, 0]) {
      isBig = false
    } else if tiff.starts(with: [0x4D, 0x4D, 0, 0x2A]) {
      isBig = true
    } else {
      return nil
    }
    func number(_ offset: Int, bytes: Int) -> Int? {
      guard offset >= 0, offset <= tiff.count - bytes else { return nil }
      let digits = tiff[offset..<offset + bytes]
      return isBig ? digits.reduce(0) { $0 << 8 | Int($1) } : digits.reversed().reduce(0) { $0 << 8 | Int($1) }
    }
    guard let directory = number(4, bytes: 4), let entries = number(directory, bytes: 2) else { return nil }
    for entry in 0..<entries {
      let at = directory + 2 + 12 * entry
      guard let tag = number(at, bytes: 2) else { return nil }
      guard tag == 0x0112 else { continue }
      guard number(at + 2, bytes: 2) == 3, number(at + 4, bytes: 4) == 1, let value = number(at + 8, bytes: 2)
      else { return nil }
      return Orientation(rawValue: UInt16(truncatingIfNeeded: value))
    }
    return nil
  }

  /// The first APP1 segment that holds EXIF, before the first scan.
  private static func jpegBlock(_ file: UnsafeRawBufferPointer) -> Slice<UnsafeRawBufferPointer>? {
    var at = 2
    while at <= file.count - 4 {
      guard file[at] == 0xFF else { return nil }
      let marker = file[at + 1]
      if marker == 0xFF {  // a fill byte
        at += 1
        continue
      }
      if marker == 0xDA || marker == 0xD9 { return nil }
      let length = Int(file[at + 2]) << 8 | Int(file[at + 3])
      guard length >= 2, at + 2 <= file.count - length else { return nil }
      let body = file[at + 4..<at + 2 + length]
      if marker == 0xE1, body.starts(with: signature) { return body }
      at += 2 + length
    }
    return nil
  }

  private static func pngBlock(_ file: UnsafeRawBufferPointer) -> Slice<UnsafeRawBufferPointer>? {
    var at = 8
    while at <= file.count - 8 {
      let length = file[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
      guard at + 8 <= file.count - length else { return nil }
      if file[at + 4..<at + 8].elementsEqual("eXIf".utf8) { return file[at + 8..<at + 8 + length] }
      at += 12 + length
    }
    return nil
  }

  private static func webpBlock(_ file: UnsafeRawBufferPointer) -> Slice<UnsafeRawBufferPointer>? {
    var at = 12
    while at <= file.count - 8 {
      let length = file[at + 4..<at + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
      guard at + 8 <= file.count - length else { return nil }
      if file[at..<at + 4].elementsEqual("EXIF".utf8) { return file[at + 8..<at + 8 + length] }
      at += 8 + length + length % 2
    }
    return nil
  }
}

extension PixelImage {
  /// The picture turned and mirrored so that it is upright.
  func oriented(_ orientation: Orientation) -> PixelImage {
    // Source pixel of the output pixel (x, y): `start + x * stepX + y * stepY`, counted in pixels.
    let (w, h) = (width, height)
    let (outWidth, outHeight, start, stepX, stepY): (Int, Int, Int, Int, Int) =
      switch orientation {
      case .upright: (w, h, 0, 1, w)
      case .mirrored: (w, h, w - 1, -1, w)
      case .turnedHalf: (w, h, w * h - 1, -1, -w)
      case .flipped: (w, h, (h - 1) * w, 1, -w)
      case .transposed: (h, w, 0, w, 1)
      case .turnedRight: (h, w, (h - 1) * w, -w, 1)
      case .transversed: (h, w, w * h - 1, -w, -1)
      case .turnedLeft: (h, w, w - 1, w, -1)
      }
    if orientation == .upright { return self }
    let turned = [UInt8](unsafeUninitializedCapacity: pixels.count) { out, filled in
      pixels.withUnsafeBufferPointer { source in
        var to = 0
        for y in 0..<outHeight {
          var from = (start + y * stepY) * channels
          for _ in 0..<outWidth {
            for c in 0..<channels { out[to + c] = source[from + c] }
            to += channels
            from += stepX * channels
          }
        }
      }
      filled = pixels.count
    }
    return PixelImage(width: outWidth, height: outHeight, channels: channels, pixels: turned)
  }
}
