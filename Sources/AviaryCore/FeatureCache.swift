import Synchronization

/// Rows of pictures already looked at, by key, least recently used out. The key is a SHA-256 over the picture's bytes,
/// its sizes, the processor's parameters and the model, so that two pictures never share one.
public final class FeatureCache: Sendable {
  private struct Entries {
    var rows: [String: [Float]] = [:]
    var order: [String] = []
    var bytes = 0
  }
  private let entries = Mutex(Entries())
  private let maxBytes: Int

  public init(maxBytes: Int = 256 << 20) { self.maxBytes = maxBytes }

  public subscript(key: String) -> [Float]? {
    entries.withLock { cache in
      guard let rows = cache.rows[key] else { return nil }
      cache.order.removeAll { $0 == key }
      cache.order.append(key)
      return rows
    }
  }

  public func insert(_ rows: [Float], for key: String) {
    entries.withLock { cache in
      guard cache.rows[key] == nil else { return }
      cache.rows[key] = rows
      cache.order.append(key)
      cache.bytes += rows.count * 4
      while cache.bytes > maxBytes, cache.order.count > 1 {
        cache.bytes -= (cache.rows.removeValue(forKey: cache.order.removeFirst())?.count ?? 0) * 4
      }
    }
  }
}
