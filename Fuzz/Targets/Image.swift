import AviaryCore
import AviaryMedia
import AviaryTensor

/// Any bytes as a picture: JPEG, PNG or WebP by its first bytes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  do throws(AviaryError) {
    let image = try ImageDecoder.decode(Fuzz.bytes(start, count), limits: Fuzz.limits, name: "input")
    Fuzz.require(image.pixels.count == image.width * image.height * image.channels, "pixels of another size")
    image.pixels.withUnsafeBytes { Fuzz.touch($0) }
    Fuzz.canary(image.width + image.height != 8 + 6)
  } catch {}
  return 0
}
