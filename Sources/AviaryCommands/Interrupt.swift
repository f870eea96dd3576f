import Dispatch
import Foundation
import Synchronization

/// Ctrl-C: does what it is told to while an answer runs, and ends the program with 130 otherwise.
final class Interrupt: Sendable {
  private let action = Mutex<(@Sendable () -> Void)?>(nil)
  // Set once and never touched again.
  private nonisolated(unsafe) let source: any DispatchSourceSignal

  init() {
    signal(SIGINT, SIG_IGN)
    source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
    source.setEventHandler { [weak self] in self?.fire() }
    source.resume()
  }

  func onInterrupt(_ body: (@Sendable () -> Void)?) { action.withLock { $0 = body } }

  private func fire() {
    guard let body = action.withLock({ $0 }) else { exit(130) }
    body()
  }
}
