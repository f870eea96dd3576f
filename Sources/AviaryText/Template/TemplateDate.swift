public import AviaryTensor

/// The date and time that `strftime_now` gives to a template. The caller sets it: a rendering reads no clock.
public struct TemplateDate: Sendable, Hashable {
  public let year: Int
  public let month: Int
  public let day: Int
  public let hour: Int
  public let minute: Int
  public let second: Int

  /// - Throws: `.request` where there is no such day or time between the years 1 and 9999.
  public init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0)
    throws(AviaryError)
  {
    guard (1...9999).contains(year), (1...12).contains(month), (1...Self.days(in: month, of: year)).contains(day),
      (0...23).contains(hour), (0...59).contains(minute), (0...59).contains(second)
    else { throw AviaryError(.request, "no such date or time", wanted: "a day from 0001-01-01 to 9999-12-31") }
    self.year = year
    self.month = month
    self.day = day
    self.hour = hour
    self.minute = minute
    self.second = second
  }

  private static func days(in month: Int, of year: Int) -> Int {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
  }

  private var dayOfYear: Int { (1..<month).reduce(day) { $0 + Self.days(in: $1, of: year) } }

  /// 0 is Sunday. 0001-01-01 of the Gregorian calendar was a Monday.
  private var weekday: Int {
    let years = year - 1
    return (years * 365 + years / 4 - years / 100 + years / 400 + dayOfYear) % 7
  }

  private static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
  ]
  private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

  /// As `strftime` in the C locale writes it; `%-d` and its like leave out the leading zero.
  func formatted(_ format: MarkedString) throws(AviaryError) -> MarkedString {
    var result = MarkedString()
    var i = 0
    while i < format.count {
      let scalar = format.scalars[i]
      i += 1
      guard scalar.scalar == "%", i < format.count else {
        result.scalars.append(scalar)
        continue
      }
      let bare = format.scalars[i].scalar == "-" && i + 1 < format.count
      if bare { i += 1 }
      result.append(try field(format.scalars[i].scalar, width: bare ? 1 : 2))
      i += 1
    }
    return result
  }

  private func field(_ letter: Unicode.Scalar, width: Int) throws(AviaryError) -> String {
    switch letter {
    case "Y": padded(year, width == 1 ? 1 : 4)
    case "y": padded(year % 100, width)
    case "m": padded(month, width)
    case "d": padded(day, width)
    case "e": padded(day, width, with: " ")
    case "H": padded(hour, width)
    case "I": padded((hour + 11) % 12 + 1, width)
    case "M": padded(minute, width)
    case "S": padded(second, width)
    case "p": hour < 12 ? "AM" : "PM"
    case "j": padded(dayOfYear, width == 1 ? 1 : 3)
    case "B": Self.months[month - 1]
    case "b", "h": String(Self.months[month - 1].prefix(3))
    case "A": Self.weekdays[weekday]
    case "a": String(Self.weekdays[weekday].prefix(3))
    case "w": "\(weekday)"
    case "F": "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    case "T": "\(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2))"
    case "%": "%"
    default: throw AviaryError(.config, "a date is asked for with the unknown field `%\(letter)`")
    }
  }

  private func padded(_ value: Int, _ width: Int, with filler: String = "0") -> String {
    let digits = "\(value)"
    return String(repeating: filler, count: max(0, width - digits.count)) + digits
  }
}
