import AviaryCore
import AviaryRuntime
import AviaryTensor

/// Places in pictures at the terminal: `--box` and `--draw` of `run`, `/box` and `/draw` of `chat`.
enum Places {
  /// - Throws: `.request` where nothing could be drawn: there is no picture, or the family names no places.
  static func check(pictures: Int, _ loaded: LoadedModel) throws(AviaryError) {
    guard pictures > 0, loaded.processor?.regions != nil else {
      throw AviaryError(.request, "nothing that could be drawn", wanted: "a picture, and a family that answers with places: qwen-vl, vary or deepseek-vl")
    }
  }

  /// Writes the last picture with the places of an answer about it, and says how many on stderr unless `quietly`.
  static func draw(_ places: RegionReading, on pictures: [ImageInput], to path: String, quietly: Bool = false) throws(AviaryError) {
    guard let picture = pictures.last else { return }
    try DrawnRegions.write(places.regions, on: picture, to: path)
    if quietly { return }
    Console.error("drawn: \(places.regions.count) places")
    for problem in places.problems { Console.error("not drawn: \(problem)") }
  }

  /// "120,80,400,360 the left one": a box as `--box` takes it.
  static func line(_ region: Region) -> String {
    let corners = region.points.map { "\($0.x),\($0.y)" }.joined(separator: ",")
    return region.label.isEmpty ? corners : "\(corners) \(region.label.escapedLine)"
  }
}

extension String {
  /// On one line: what would break it, or steer a terminal, is written as its escape.
  var escapedLine: String { unicodeScalars.reduce(into: "") { $0 += $1.value < 32 || $1.value == 127 ? $1.escaped(asASCII: false) : String($1) } }
}
