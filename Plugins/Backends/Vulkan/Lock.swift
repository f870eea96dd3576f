#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A lock whose holder may throw any type of error and return anything.
final class Lock: @unchecked Sendable {
  // Unchecked: that is what it is for.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  init() { pthread_mutex_init(mutex, nil) }
  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }
  func lock() { pthread_mutex_lock(mutex) }
  func unlock() { pthread_mutex_unlock(mutex) }
}
