extension String {
  /// Without the white space at both ends.
  public func trimmingWhitespace() -> String {
    var view = self[...]
    while view.first?.isWhitespace == true { view.removeFirst() }
    while view.last?.isWhitespace == true { view.removeLast() }
    return String(view)
  }
}
