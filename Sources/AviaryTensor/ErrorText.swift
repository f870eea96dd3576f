/// A name from a file, fit for an error message: in backticks, control characters escaped (a terminal must not act on
/// them), cut to a readable length.
public func quoted(_ name: String) -> String {
  let longest = 120
  var text = "`"
  var count = 0
  for scalar in name.unicodeScalars {
    if count == longest {
      text += "…"
      break
    }
    if scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format {
      text += "\\u{" + String(scalar.value, radix: 16) + "}"
    } else {
      text.unicodeScalars.append(scalar)
    }
    count += 1
  }
  return text + "`"
}
