public import AviaryCore
import AviaryMedia
public import AviaryTensor

/// The one gate through which pictures of users come in: a file's path or a `data:` URL; never the network.
public enum ImageLoader {
  /// - Throws: what the decoder says, with the picture's name.
  public static func load(_ source: String, for loaded: LoadedModel, limits: Limits = .standard) throws(AviaryError) -> ImageInput {
    if DataURL.matches(source) {
      return loaded.input(try ImageDecoder.decode(try DataURL.bytes(source, limits: limits), limits: limits, name: "data URL"))
    }
    return loaded.input(try ImageFile.load(source, limits: limits))
  }
}
