public import AviaryCore
import AviaryFormats
@_exported public import AviaryTesting

/// A reader of a configuration given as text.
public func config(_ text: String, place: String = "config.json") throws -> ConfigReader {
  try ConfigReader(JSONParser.parse(Array(text.utf8), name: place), place: place)
}
