import AviaryCore
import AviaryFormats
import CoreTestSupport
import Foundation
import Testing

/// A training run on a disk that fills up: a typed error, nothing half written, nothing older lost, and it goes on where there is room.
struct FullDiskTests {
  private static let steps = 6

  /// A folder with data and a configuration; checkpoints stand behind steps 2, 4 and 6.
  private static func folder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.write("data.jsonl", #"{"messages": [{"role": "user", "content": "One and one?"}, {"role": "assistant", "content": "Two."}]}"#)
    try folder.write(
      "train.yaml",
      """
      model: \(Program.repository)/Tests/Golden/llava-hf-single/model
      output: whole
      data: {all: data.jsonl}
      train: [adapter]
      batch: 1
      steps: \(steps)
      save_every: 2
      keep: 10
      rate: 1e-3
      """)
    return folder
  }

  private static func train(_ folder: TemporaryFolder, _ output: String, _ more: String...) throws -> Program.Outcome {
    try Program.aviary.run(["train", "\(folder.path)/train.yaml", "-o", "\(folder.path)/\(output)"] + more)
  }

  private static func losses(_ folder: TemporaryFolder, _ output: String) throws -> [Double] {
    try String(contentsOfFile: "\(folder.path)/\(output)/metrics.jsonl", encoding: .utf8).split(separator: "\n").map {
      try #require(try JSONParser.parse(Array($0.utf8), name: "metrics")["loss"]?.double)
    }
  }

  /// Names in a run's folder that are checkpoints, or were to become some.
  private static func checkpoints(_ folder: TemporaryFolder, _ output: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/\(output)")) ?? []).filter { $0.hasPrefix("step-") }.sorted()
  }

  /// Goes on where there is room, and has the losses of a run that never stopped.
  private static func expectToGoOn(_ folder: TemporaryFolder, _ output: String) throws {
    #expect(try train(folder, "whole").code == 0)
    let resumed = try train(folder, output, "--resume")
    #expect(resumed.code == 0, "\(resumed.errors)")
    let (found, wanted) = (try losses(folder, output), try losses(folder, "whole"))
    #expect(found == wanted && wanted.count == steps)
    #expect(checkpoints(folder, output) == ["step-2", "step-4", "step-6"])
  }

  /// Whether a small disk of one's own can be had.
  private static let hasDisk: Bool = (try? Program.run("/usr/bin/env", ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).code) == 0

  /// Room for a part of the first checkpoint, for one and parts of the second, for two and a part of the third, in percent.
  @Test(.enabled(if: hasDisk, "a disk in memory: unshare --mount"), arguments: [(60, 0), (115, 1), (150, 1), (195, 1), (250, 2)])
  func nothingOlderIsLost(_ percent: Int, _ kept: Int) throws {
    let folder = try Self.folder()
    #expect(try Self.train(folder, "first").code == 0)
    let files = FileManager.default.enumerator(atPath: "\(folder.path)/first/step-2")?.compactMap { $0 as? String } ?? []
    // A file takes whole pages there.
    let pages = try files.reduce(0) { sum, name in
      let size = try FileManager.default.attributesOfItem(atPath: "\(folder.path)/first/step-2/\(name)")[.size] as? Int ?? 0
      return sum + (size + 4095) / 4096
    }
    #expect(pages > 100)
    let script = """
      mkdir "$2/small" && mount -t tmpfs -o size=$3 tmpfs "$2/small" || exit 99
      "$1" train "$2/train.yaml" -o "$2/small/run"
      code=$?
      cp -r "$2/small/run" "$2/rescued" || exit 98
      exit $code
      """
    let outcome = try Program.run(
      "/usr/bin/env",
      ["unshare", "--map-root-user", "--mount", "bash", "-c", script, "bash", Program.folder.appending(path: "aviary").path, folder.path, "\(pages * 4096 * percent / 100)"])
    #expect(outcome.code == 2, "\(outcome.errors)")
    #expect(outcome.errors.contains("error: ") && ["the disk is full", "writing failed", "cannot be copied", "cannot be made"].contains { outcome.errors.contains($0) }, "\(outcome.errors)")
    #expect(Self.checkpoints(folder, "rescued") == ["step-2", "step-4"].prefix(kept).map { $0 })
    // What was finished is an ordinary checkpoint.
    if kept > 0 { #expect(try Program.aviary.run(["inspect", "\(folder.path)/rescued/step-\(2 * kept)"]).code == 0) }
    try Self.expectToGoOn(folder, "rescued")
  }

  /// Writing fails in the middle of a file for another reason: a limit on files' sizes.
  @Test func aFileThatCannotBeWrittenWhole() throws {
    let folder = try Self.folder()
    let yaml = try String(contentsOfFile: "\(folder.path)/train.yaml", encoding: .utf8)
    try folder.write("train.yaml", yaml.replacing("steps: \(Self.steps)", with: "steps: 2"))
    #expect(try Self.train(folder, "run").code == 0)
    try folder.write("train.yaml", yaml)
    // Blocks of 1024 bytes; the signal that would end the process is ignored, so that it sees the error.
    let outcome = try Program.run(
      "/usr/bin/env",
      ["bash", "-c", #"trap '' XFSZ; ulimit -f 100; exec "$@""#, "bash", Program.folder.appending(path: "aviary").path, "train", "\(folder.path)/train.yaml", "--resume", "-o", "\(folder.path)/run"])
    #expect(outcome.code == 2 && outcome.errors.contains("writing failed"), "\(outcome.errors)")
    #expect(Self.checkpoints(folder, "run") == ["step-2"])
  }
}
