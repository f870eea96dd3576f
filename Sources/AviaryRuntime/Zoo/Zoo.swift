public import AviaryCore
import AviaryFormats
public import AviaryTensor
import Foundation

/// The published checkpoints that a folder of manifests describes.
public struct Zoo: Sendable {
  /// Where the manifests lie.
  public let folder: String
  /// All of them, by name.
  public let manifests: [Manifest]

  /// Reads every `.yaml` file of a folder.
  ///
  /// - Throws: `.file` where there is no such folder or no manifest in it; `.config` where two have one name; what
  ///   reading a manifest throws.
  public init(folder: String, limits: Limits = .standard) throws(AviaryError) {
    self.folder = folder
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
      throw AviaryError(.file, "there is no folder \(folder)", wanted: "a folder of manifests")
    }
    var manifests: [Manifest] = []
    for name in names.sorted() where name.hasSuffix(".yaml") {
      let manifest = try Manifest(path: "\(folder)/\(name)", limits: limits)
      guard !manifests.contains(where: { $0.name == manifest.name }) else {
        throw AviaryError(.config, "a second manifest of the name \(manifest.name)", wanted: "one", at: name)
      }
      manifests.append(manifest)
    }
    guard !manifests.isEmpty else { throw AviaryError(.file, "no manifest in \(folder)", wanted: "*.yaml") }
    self.manifests = manifests
  }

  /// Path of the executable that runs.
  public static var runningProgram: String? { Bundle.main.executablePath }

  /// The zoo of this process: the folder that `AVIARY_ZOO` names; else `Zoo` beside the program or in a folder above it,
  /// which is where it lies for an unpacked release and for a build of this repository; else `./Zoo`.
  ///
  /// - Parameter program: path of the executable; nil where there is none to look beside.
  /// - Throws: `.file` where there is none; as `init(folder:)`.
  public static func find(
    _ surroundings: Surroundings, program: String? = Zoo.runningProgram, limits: Limits = .standard
  ) throws(AviaryError) -> Zoo {
    guard let place = place(surroundings, program: program) else {
      throw AviaryError(.file, "no folder Zoo beside the program or here", wanted: "it, or AVIARY_ZOO with its path")
    }
    return try Zoo(folder: place, limits: limits)
  }

  private static func place(_ surroundings: Surroundings, program: String?) -> String? {
    if let named = surroundings.environment["AVIARY_ZOO"], !named.isEmpty { return named }
    var places: [String] = []
    if let program {
      var folder = URL(fileURLWithPath: program).resolvingSymlinksInPath().deletingLastPathComponent()
      // `.build/<triple>/release/aviary` stands four folders below the repository.
      for _ in 0..<4 where folder.path != "/" {
        places.append(folder.appendingPathComponent("Zoo").path)
        folder = folder.deletingLastPathComponent()
      }
    }
    places.append("Zoo")
    return places.first { FileManager.default.fileExists(atPath: $0) }
  }

  /// The manifest of that name, of which nothing but the zoo's folder needs to be read.
  ///
  /// - Returns: nil where there is no zoo, or no such manifest.
  static func manifest(
    named name: String, _ surroundings: Surroundings, program: String? = Zoo.runningProgram, limits: Limits
  ) throws(AviaryError) -> Manifest? {
    guard !name.isEmpty, !name.contains("/"), !name.hasPrefix("."), let place = place(surroundings, program: program) else { return nil }
    let path = "\(place)/\(name).yaml"
    return FileManager.default.fileExists(atPath: path) ? try Manifest(path: path, limits: limits) : nil
  }

  /// The error of a word that is no model, with what was perhaps meant where it could be one of the zoo's names.
  static func suggesting(_ name: String, _ error: AviaryError, _ surroundings: Surroundings) -> AviaryError {
    guard !name.isEmpty, !name.contains("/"), let place = place(surroundings, program: runningProgram),
      let files = try? FileManager.default.contentsOfDirectory(atPath: place)
    else { return error }
    let names = files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }
    if names.isEmpty { return error }
    return AviaryError(
      error.kind, error.found, wanted: "a path, `org/name`, or a name that `aviary list` shows: \(Nearest.to(name, among: names)), perhaps", at: error.place)
  }

  /// Whether a checkpoint is on this machine.
  public enum Presence: Sendable, Hashable {
    case absent
    /// Begun, but not all there: what is wrong with it.
    case incomplete(AviaryError)
    /// Ready to run, in that folder.
    case present(folder: String)
  }

  /// Looks for a manifest's checkpoint in the Hugging Face cache and, by `org/name`, below the working folder. Opens its
  /// weights and those of its parts to see that all files are there; reads none of them, and opens no socket.
  public func presence(of manifest: Manifest, _ surroundings: Surroundings, limits: Limits = .standard) -> Presence {
    let (environment, home) = (surroundings.environment, surroundings.home)
    if let own = manifest.folder {
      do throws(AviaryError) { _ = try Checkpoint.open(own, limits: limits) } catch { return .incomplete(error) }
      return .present(folder: own)
    }
    guard let folder = try? ModelPath.resolve(manifest.repository, environment: environment, home: home) else { return .absent }
    var missing: [String] = []
    var damage: AviaryError?
    func look(_ files: [String], _ place: String?, _ repository: String, _ licence: String) {
      let (whole, named) = (files.contains { $0.contains("*") }, files.filter { Self.isWeights($0) && !$0.contains("*") })
      let absent = place == nil ? files.filter(Self.isWeights) : named.filter { !FileManager.default.fileExists(atPath: "\(place ?? "")/\($0)") }
      missing += absent.map { "\($0) of \(repository) (licence: \(licence))" }
      guard let place, absent.isEmpty, damage == nil else { return }
      do throws(AviaryError) {
        if whole { _ = try Checkpoint.open(place, limits: limits) }
        for file in named { _ = try Checkpoint.open(file: "\(place)/\(file)", limits: limits) }
      } catch { damage = AviaryError(error.kind, error.found, wanted: "\(repository) as published (licence: \(licence))", at: error.place) }
    }
    look(manifest.files, folder, manifest.repository, manifest.licence)
    for part in manifest.parts {
      let places = part.folder == "." ? [folder] : ["\(folder)/\(part.folder)"].filter { FileManager.default.fileExists(atPath: $0) }
      let cached = try? ModelPath.resolveTower(part.repository, modelFolder: folder, environment: environment, home: home)
      look(part.files, places.first ?? cached, part.repository, part.licence)
    }
    if !missing.isEmpty {
      return .incomplete(AviaryError(.file, "\(missing.count) missing: " + missing.joined(separator: "; "), wanted: "all parts of \(manifest.name)"))
    }
    if let damage { return .incomplete(damage) }
    return .present(folder: folder)
  }

  private static func isWeights(_ file: String) -> Bool { [".safetensors", ".bin", ".pt", ".pth"].contains { file.hasSuffix($0) } }
}
