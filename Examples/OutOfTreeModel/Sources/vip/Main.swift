import AviaryCommands
import ViPLLaVA

/// Aviary's command line with one more family.
@main struct Main {
  static func main() async { await AviaryProgram.main(name: "vip", architectures: [ViPLLaVA.self]) }
}
