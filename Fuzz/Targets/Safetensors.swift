import AviaryCore
import AviaryFormats
import AviaryTensor

/// Any bytes as a safetensors file: every tensor of what is accepted lies inside of it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let pages = InputPages(Fuzz.bytes(start, count))
  do throws(AviaryError) {
    let file = try SafetensorsFile(pages: pages, limits: Fuzz.limits)
    for name in file.names {
      guard let tensor = try file.tensor(name) else { continue }
      Fuzz.touch(tensor.bytes)
      if tensor.shape.elements < 1 << 16 { _ = tensor.floats() }
    }
    Fuzz.canary(file.names.contains(where: Fuzz.isOdd))
  } catch {}
  return 0
}
