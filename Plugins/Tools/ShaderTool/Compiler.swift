import CGlslang

/// The compiler's own words: `file:line: what`.
struct ShaderError: Error { let text: String }

/// GLSL to SPIR-V 1.5, for Vulkan 1.2 and up.
enum Compiler {
  private static let isReady = glslang_initialize_process() != 0

  static func compile(_ source: String) throws -> [UInt32] {
    guard isReady else { throw ShaderError(text: "glslang does not start") }
    return try source.withCString { code in
      var input = glslang_input_t()
      input.language = GLSLANG_SOURCE_GLSL
      input.stage = GLSLANG_STAGE_COMPUTE
      input.client = GLSLANG_CLIENT_VULKAN
      input.client_version = GLSLANG_TARGET_VULKAN_1_2
      input.target_language = GLSLANG_TARGET_SPV
      input.target_language_version = GLSLANG_TARGET_SPV_1_5
      input.code = code
      input.default_version = 460
      input.default_profile = GLSLANG_NO_PROFILE
      let messages = GLSLANG_MSG_SPV_RULES_BIT.rawValue | GLSLANG_MSG_VULKAN_RULES_BIT.rawValue
      input.messages = glslang_messages_t(messages)
      input.resource = glslang_default_resource()
      guard let shader = glslang_shader_create(&input) else { throw ShaderError(text: "glslang makes no shader") }
      defer { glslang_shader_delete(shader) }
      guard glslang_shader_preprocess(shader, &input) != 0, glslang_shader_parse(shader, &input) != 0 else {
        throw ShaderError(text: String(cString: glslang_shader_get_info_log(shader)))
      }
      let program = glslang_program_create()
      defer { glslang_program_delete(program) }
      glslang_program_add_shader(program, shader)
      guard glslang_program_link(program, Int32(messages)) != 0 else {
        throw ShaderError(text: String(cString: glslang_program_get_info_log(program)))
      }
      var options = glslang_spv_options_t()
      options.validate = true
      glslang_program_SPIRV_generate_with_options(program, GLSLANG_STAGE_COMPUTE, &options)
      if let notes = glslang_program_SPIRV_get_messages(program), notes.pointee != 0 { throw ShaderError(text: String(cString: notes)) }
      let count = glslang_program_SPIRV_get_size(program)
      var words = [UInt32](repeating: 0, count: count)
      words.withUnsafeMutableBufferPointer { if let base = $0.baseAddress { glslang_program_SPIRV_get(program, base) } }
      return words
    }
  }

  /// glslang says `ERROR: file:line: 'token' : what`; an editor reads `file:line:1: error: what`.
  static func readable(_ text: String) -> String {
    text.split(separator: "\n").filter { $0.hasPrefix("ERROR: ") && $0.contains(".") }.map { line in
      let parts = line.dropFirst("ERROR: ".count).split(separator: ":", maxSplits: 2)
      return parts.count == 3 ? "\(parts[0]):\(parts[1]):1: error:\(parts[2])" : String(line)
    }.joined(separator: "\n")
  }
}
