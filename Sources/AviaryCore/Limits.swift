/// Every limit on untrusted input, in one place. `aviary limits` prints them; a configuration may lower them; no
/// model can lift them. Later loaders add their rows here.
public struct Limits: Sendable, Hashable {
  // Files of weights
  public var safetensorsHeaderBytes = 100_000_000
  public var tensorsPerFile = 1 << 20
  public var ggufValues = 1 << 16
  public var ggufStringBytes = 16 << 20
  public var ggufArrayElements = 1 << 26
  public var pickleOpcodes = 8_000_000
  public var pickleDepth = 1_000
  public var pickleBytes = 256 << 20
  public var zipEntries = 1 << 20
  // JSON and configuration
  public var jsonBytes = 256 << 20
  public var configBytes = 16 << 20
  public var jsonDepth = 64
  public var jsonValues = 16 << 20
  public var jsonNumberBytes = 1_024
  // Images
  public var imageFileBytes = 20 << 20
  public var imageSide = 16_384
  public var imagePixels = 50_000_000
  public var imagesPerRequest = 64
  public var imageDecodeSeconds = 10.0
  // Text and templates
  public var textBytes = 16 << 20
  public var templateBytes = 1 << 20
  public var templateSteps = 1_000_000
  public var templateOutputBytes = 1 << 20
  public var templateDepth = 128
  public var vocabulary = 4 << 20
  public var patternSeconds = 10.0
  // Generation
  public var contextTokens = 1 << 20
  public var stopStrings = 16

  public static let standard = Limits()
  public init() {}

  /// Name, value and meaning of each limit, in the order in which `aviary limits` prints them.
  public var rows: [(name: String, value: String, meaning: String)] {
    [
      ("safetensors_header_bytes", "\(safetensorsHeaderBytes)", "longest header of a safetensors file"),
      ("tensors_per_file", "\(tensorsPerFile)", "most tensors in one file"),
      ("gguf_values", "\(ggufValues)", "most metadata values of a GGUF file"),
      ("gguf_string_bytes", "\(ggufStringBytes)", "longest string of a GGUF file"),
      ("gguf_array_elements", "\(ggufArrayElements)", "longest array of a GGUF file"),
      ("pickle_opcodes", "\(pickleOpcodes)", "most opcodes read from one pickle"),
      ("pickle_depth", "\(pickleDepth)", "deepest nesting of a pickled object"),
      ("pickle_bytes", "\(pickleBytes)", "longest pickle in a PyTorch file"),
      ("zip_entries", "\(zipEntries)", "most entries of a PyTorch zip file"),
      ("json_bytes", "\(jsonBytes)", "longest JSON file (tokenizers, indexes)"),
      ("config_bytes", "\(configBytes)", "longest configuration file"),
      ("json_depth", "\(jsonDepth)", "deepest nesting of JSON"),
      ("json_values", "\(jsonValues)", "most values in one JSON document"),
      ("json_number_bytes", "\(jsonNumberBytes)", "longest number in JSON that is not a 64-bit integer"),
      ("image_file_bytes", "\(imageFileBytes)", "longest image file"),
      ("image_side", "\(imageSide)", "longest side of an image, pixels"),
      ("image_pixels", "\(imagePixels)", "most pixels of an image"),
      ("images_per_request", "\(imagesPerRequest)", "most images in one conversation"),
      ("image_decode_seconds", "\(imageDecodeSeconds)", "longest time to decode one image"),
      ("text_bytes", "\(textBytes)", "longest text given to a tokenizer"),
      ("template_bytes", "\(templateBytes)", "longest chat template"),
      ("template_steps", "\(templateSteps)", "most steps of a chat template"),
      ("template_output_bytes", "\(templateOutputBytes)", "longest output of a chat template"),
      ("template_depth", "\(templateDepth)", "deepest nesting of a chat template's expressions and calls"),
      ("vocabulary", "\(vocabulary)", "most tokens of a tokenizer"),
      ("pattern_seconds", "\(patternSeconds)", "longest time to split one text by a tokenizer's patterns"),
      ("context_tokens", "\(contextTokens)", "longest context, tokens"),
      ("stop_strings", "\(stopStrings)", "most stop strings of a request"),
    ]
  }
}
