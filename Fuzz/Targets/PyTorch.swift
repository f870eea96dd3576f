import AviaryCore
import AviaryFormats
import AviaryTensor

/// Any bytes as a PyTorch file: the zip archive around the pickle, above all, since a check sum guards what is inside.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let pages = InputPages(Fuzz.bytes(start, count))
  do throws(AviaryError) {
    let file = try PyTorchFile(pages: pages, limits: Fuzz.limits)
    for name in file.names {
      guard let tensor = try file.tensor(name) else { continue }
      Fuzz.touch(tensor.bytes)
      // The seeds hold zeros, and storages are under no check sum that is compared at opening.
      Fuzz.canary(tensor.bytes.contains { $0 != 0 })
    }
  } catch {}
  return 0
}
