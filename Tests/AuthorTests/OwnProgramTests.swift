import CoreTestSupport
import Foundation
import Testing

/// A program of somebody's own: Aviary's command line with one more family (Examples/OutOfTreeModel).
struct OwnProgramTests {
  @Test func itRunsItsFamilyByTheSameCommands() throws {
    let temporary = try TemporaryFolder()
    let folder = temporary.path + "/vip-tiny"
    let configuration = "\(Program.repository)/Examples/OutOfTreeModel/Tests/ViPLLaVATests/config.json"
    #expect(try Program.vip.run(["--help"]).output.contains("USAGE: vip <subcommand>"))
    let made = try Program.vip.run(["new", "checkpoint", folder, "--like", configuration])
    #expect(made.code == 0, "\(made.errors)")
    #expect(try Program.vip.run(["inspect", folder]).output.contains("family      vipllava"))
    let answer = try Program.vip.run(["run", folder, "--image", PluginTests.picture, "What?", "--max-tokens", "4", "--json"])
    #expect(answer.code == 0 && answer.output.contains("\"generated_ids\":["), "\(answer.errors)")
    try Program.aviary.expectRefusal(["inspect", folder], "a model of type", "VipLlava".lowercased())
    // Its own families count as taken.
    try Program.vip.expectRefusal(["new", "architecture", "Vipllava", "--at", temporary.path], "the name Vipllava")
  }
}
