import AviaryCommands

@main struct Main {
  static func main() async { await AviaryProgram.main() }
}
