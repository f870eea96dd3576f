import Testing

@testable import AviaryRuntime

struct ParityReportTests {
  @Test func aReportThatComparedNothingDoesNotPass() {
    var report = ParityReport()
    #expect(!report.passes)
    report.compare("x", [1], [1], nil, recordedShape: [], tolerance: 1)
    #expect(report.rows.isEmpty && !report.passes)
  }

  @Test func errorsAreRelativeToTheRecord() {
    var report = ParityReport()
    report.compare("close", [2], [3, 4.005], [3, 4], recordedShape: [2], tolerance: 1.1e-3)
    #expect(report.passes)
    #expect(abs(report.worst - 1e-3) < 1e-6)
    report.compare("far", [2], [3, 4.01], [3, 4], recordedShape: [2], tolerance: 1.1e-3)
    #expect(!report.passes)
    #expect(report.rows[1].name == "far")
  }

  @Test(arguments: [Float.nan, .infinity]) func numbersThatAreNoneFail(bad: Float) {
    for values in [([bad, 1], [1, 1]), ([1, 1], [1, bad]), ([1, bad, 1], [1, 1, 1])] as [([Float], [Float])] {
      var report = ParityReport()
      report.compare("x", [values.0.count], values.0, values.1, recordedShape: [], tolerance: 1e9)
      #expect(!report.passes)
    }
  }

  @Test func countsThatDifferFail() {
    var report = ParityReport()
    report.compare("x", [1], [1], [1, 2], recordedShape: [2], tolerance: 1)
    #expect(!report.passes)
    report = ParityReport()
    report.compare("ids", [1, 2], [1, 2, 3])
    #expect(!report.passes)
    #expect(report.rows[0].note == "first at 2 of 3")
    report = ParityReport()
    report.compare("ids", [1, 5], [1, 2])
    #expect(report.rows[0].note == "first at 1 of 2")
    report = ParityReport()
    report.compare("prompt", "a", "b")
    #expect(!report.passes)
  }

  @Test func aRecordOfZerosWantsZeros() {
    var report = ParityReport()
    report.compare("zero", [1], [0], [0], recordedShape: [1], tolerance: 0.5)
    #expect(report.passes)
    report.compare("more", [1], [1e-9], [0], recordedShape: [1], tolerance: 0.5)
    #expect(!report.passes)
  }
}

struct NearestTests {
  @Test(arguments: [("", "", 0), ("a", "", 1), ("", "abc", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2), ("same", "same", 0)])
  func distances(a: String, b: String, distance: Int) {
    #expect(Nearest.distance(a, b) == distance)
    #expect(Nearest.distance(b, a) == distance)
  }

  @Test func theNearestIsFound() {
    #expect(Nearest.to("sed", among: ["stop", "seed", "system"]) == "seed")
    #expect(Nearest.to("x", among: []) == "")
  }
}
