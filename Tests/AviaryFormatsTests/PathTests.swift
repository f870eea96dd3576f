import AviaryCore
import AviaryFormats
import AviaryTensor
import Testing

@Suite struct PathTests {
  static let commit = String(repeating: "0a", count: 20)

  /// A cache with one model, its file a link into the blobs as huggingface_hub makes it.
  static func cache(
    _ folder: TemporaryFolder, _ root: String = "home/.cache/huggingface/hub", revision: String = "main"
  ) throws -> String {
    let model = root + "/models--org--name"
    try folder.write(model + "/refs/" + revision, commit)
    try folder.write(model + "/blobs/abc", CheckpointTests.file([("a", 1)]))
    try folder.link(model + "/snapshots/\(commit)/model.safetensors", to: "../../blobs/abc")
    return "\(folder.path)/\(model)/snapshots/\(commit)"
  }

  @Test func existingPaths() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("home/m/model.safetensors", "x")
    func resolve(_ argument: String) throws -> String {
      try ModelPath.resolve(argument, environment: [:], home: folder.path + "/home")
    }
    #expect(try resolve(file) == file)
    #expect(try resolve(folder.path + "/home/m/") == folder.path + "/home/m/")
    #expect(try resolve("~/m") == folder.path + "/home/m")
    #expect(try resolve("~") == folder.path + "/home")
    #expect(errorText { _ = try resolve("/dev/null") }.contains("neither a folder nor a file"))
    #expect(errorText { _ = try resolve("~/none") }.contains("there is no folder or file `\(folder.path)/home/none`"))
    #expect(errorText { _ = try resolve("./none") } == "there is no folder or file `./none`")
  }

  static let environments: [(environment: [String: String], root: String)] = [
    ([:], "home/.cache/huggingface/hub"), (["HF_HUB_CACHE": ""], "home/.cache/huggingface/hub"),
    (["HF_HUB_CACHE": "~/c", "HF_HOME": "/nowhere"], "home/c"),
    (["HF_HOME": "~/h", "XDG_CACHE_HOME": "/nowhere"], "home/h/hub"),
    (["XDG_CACHE_HOME": "~/x"], "home/x/huggingface/hub"),
  ]
  @Test(arguments: environments.indices) func hubCache(_ index: Int) throws {
    let folder = try TemporaryFolder()
    let snapshot = try Self.cache(folder, Self.environments[index].root)
    for argument in ["org/name", "org/name@main", "org/name@\(Self.commit)"] {
      let path = try ModelPath.resolve(
        argument, environment: Self.environments[index].environment, home: folder.path + "/home")
      #expect(path == snapshot)
      #expect(try Checkpoint.open(path).names == ["a"])
    }
  }

  @Test func revisionsAndNames() throws {
    let folder = try TemporaryFolder()
    let snapshot = try Self.cache(folder, revision: "refs/pr/1")
    try folder.write("home/.cache/huggingface/hub/models--gpt2/refs/v1.0", Self.commit + "\n")
    try folder.write("home/.cache/huggingface/hub/models--gpt2/snapshots/\(Self.commit)/config.json", "{}")
    func resolve(_ argument: String) throws -> String {
      try ModelPath.resolve(argument, environment: [:], home: folder.path + "/home")
    }
    #expect(try resolve("org/name@refs/pr/1") == snapshot)
    #expect(try resolve("gpt2@v1.0").hasSuffix("models--gpt2/snapshots/\(Self.commit)"))
    let text = errorText { _ = try resolve("org/name") }
    #expect(text.contains("there is no folder or file `org/name`"))
    #expect(
      text.contains(
        "the Hugging Face cache `\(folder.path)/home/.cache/huggingface/hub` has no `org/name` at revision `main`"))
  }

  static let badNames = [
    "../x", "a/../../b", "a/..", "..", ".", "org/.name", "org/na me", "org/na\u{0}me", "org/name@", "org/name@..",
    "org/name@../../x", "org/name@/etc", "org/name@a//b", "org//name", "/etc/none", "a/b/c", "org/na\\me",
    "org/n\u{2024}\u{2024}",
    "org/--", "or--g/name", "org/name@a b", "-rf/x", "", "@main", "org/name\n", "ｏrg/name",
    "org/" + String(repeating: "x", count: 5_000),
    "org/name@" + String(repeating: "x/", count: 100) + "x",
  ]
  @Test(arguments: badNames) func refusesName(_ name: String) throws {
    #expect(throws: AviaryError.self) { try HubName(name) }
    #expect(throws: AviaryError.self) {
      try ModelPath.resolve(name.isEmpty ? "" : "no-such-org/" + name, environment: [:], home: "/nowhere")
    }
  }

  /// What a reference file may not hold: other lengths than 40, other digits, a path.
  @Test(arguments: [
    "", String(commit.dropLast()), commit + "0", String(repeating: "a", count: 63), String(repeating: "a", count: 65),
    commit.uppercased(), String(repeating: "g", count: 40), "../../../../../../etc", "main",
    String(repeating: "x", count: 100_000),
  ])
  func refusesReference(_ reference: String) throws {
    let folder = try TemporaryFolder()
    _ = try Self.cache(folder)
    try folder.write("home/.cache/huggingface/hub/models--org--name/refs/main", reference)
    let text = errorText { _ = try ModelPath.resolve("org/name", environment: [:], home: folder.path + "/home") }
    #expect(text.contains("wanted a commit of 40 hexadecimal digits"))
  }

  @Test func linksOutOfTheCacheAreRefused() throws {
    let folder = try TemporaryFolder()
    let snapshot = try Self.cache(folder)
    try folder.write("secret", "x")
    try folder.link(
      "home/.cache/huggingface/hub/models--org--name/snapshots/\(Self.commit)/config.json", to: folder.path + "/secret")
    #expect(
      errorText { _ = try ContainedPath.resolve("config.json", in: snapshot) }.contains("is a link out of its folder"))
    try folder.write("elsewhere/snapshots/\(Self.commit)/x", "x")
    try folder.write("elsewhere/refs/main", Self.commit)
    try folder.link("home/.cache/huggingface/hub/models--evil--model", to: folder.path + "/elsewhere")
    #expect(throws: AviaryError.self) {
      try ModelPath.resolve("evil/model", environment: [:], home: folder.path + "/home")
    }
  }

  @Test func containedPath() throws {
    let folder = try TemporaryFolder()
    let root = try folder.folder("root")
    try folder.write("root/sub/x", "x")
    try folder.write("outside", "x")
    try folder.write("root-beside/x", "x")
    try folder.link("root/inner", to: "sub/x")
    try folder.link("root/up", to: "..")
    try folder.link("root/sibling", to: "../root-beside/x")
    #expect(try ContainedPath.resolve("./sub//x", in: root) == root + "/sub/x")
    #expect(try ContainedPath.resolve("inner", in: root) == root + "/inner")
    for name in ["up/outside", "sibling"] {
      #expect(
        errorText { _ = try ContainedPath.resolve(name, in: root) }.contains("is a link out of its folder"), "\(name)")
    }
    for name in [
      "../outside", "sub/../../outside", "/etc/passwd", "", ".", "a\\b", "a\nb", "x\0",
      String(repeating: "x", count: 5_000),
    ] {
      #expect(
        errorText { _ = try ContainedPath.resolve(name, in: root) }.contains("leaves its folder, or is none"), "\(name)"
      )
    }
    let text = errorText { _ = try ContainedPath.resolve("none", in: root, at: "config.json") }
    #expect(text == "config.json: there is no `none`; wanted it in the folder")
  }

  @Test func towers() throws {
    let folder = try TemporaryFolder()
    let snapshot = try Self.cache(folder)
    let model = try folder.folder("models/llava")
    let home = folder.path + "/home"
    func tower(_ name: String) throws -> String {
      try ModelPath.resolveTower(name, modelFolder: model, environment: [:], home: home)
    }
    #expect(try tower("org/name") == snapshot)
    let text = errorText { _ = try tower("openai/clip") }
    for part in [
      "there is no `openai/clip` in `\(model)` nor in `\(folder.path)/models`",
      "the Hugging Face cache `\(home)/.cache",
    ] {
      #expect(text.contains(part), "\(text)")
    }
    try folder.write("models/openai/clip/config.json", "{}")
    #expect(try tower("openai/clip") == folder.path + "/models/openai/clip")
    try folder.write("models/llava/openai/clip/config.json", "{}")
    #expect(try tower("openai/clip") == model + "/openai/clip")
    try folder.write("models/llava/vit/x/config.json", "{}")
    #expect(try tower("./vit/x") == model + "/vit/x")
    for name in ["../openai/clip", "/etc", "a/../../../etc"] {
      #expect(errorText { _ = try tower(name) }.contains("leaves its folder"))
    }
  }
}
