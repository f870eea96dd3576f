import Synchronization

/// Module paths by number, one table for the process.
final class PathTable: Sendable {
  static let shared = PathTable()

  private struct Entries {
    var ids: [String: Int32] = [:]
    var paths: [String] = []
  }
  private let entries = Mutex(Entries())

  func intern(_ path: String) -> Int32 {
    entries.withLock { table in
      if let id = table.ids[path] { return id }
      let id = Int32(table.paths.count)
      table.paths.append(path)
      table.ids[path] = id
      return id
    }
  }

  func path(_ id: Int32) -> String { entries.withLock { $0.paths[Int(id)] } }
}
