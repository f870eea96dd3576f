/// The two arrangements in which references record the pixels of several pictures.
public enum RecordedPixels {
  /// One view of each picture: [sum of tiles, 3, h, w].
  public static func joined(_ images: [PreparedImage], view: Int = 0, as name: String = "pixel_values") -> RecordedTensor {
    let views = images.compactMap { view < $0.views.count ? $0.views[view] : nil }
    let tiles = views.reduce(0) { $0 + $1.shape[0] }
    return RecordedTensor(name, [tiles] + (views.first?.shape.dropFirst() ?? []), .floats(views.flatMap(\.values)), view: view)
  }

  /// [pictures, most tiles, 3, h, w], zero tiles behind the shorter ones.
  public static func stacked(_ images: [PreparedImage]) -> RecordedTensor {
    let views = images.compactMap(\.views.first)
    let tiles = views.map { $0.shape[0] }.max() ?? 0
    let tile = views.first?.shape.dropFirst().reduce(1, *) ?? 0
    let values = views.flatMap { $0.values + [Float](repeating: 0, count: (tiles - $0.shape[0]) * tile) }
    return RecordedTensor("pixel_values", [views.count, tiles] + (views.first?.shape.dropFirst() ?? []), .floats(values), view: 0)
  }
}
