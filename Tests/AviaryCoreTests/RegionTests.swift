import AviaryCore
import AviaryTensor
import CoreTestSupport
import Testing

/// Places in pictures as users write them.
struct RegionTests {
  static let sizes = [(width: 640, height: 480), (width: 100, height: 50)]

  @Test func aBoxIsReadWithItsLabelAndPicture() throws {
    let box = try Region(parsing: "1,2,30,40 the left hand", sizes: Self.sizes)
    #expect((box.label, box.image, box.isBox) == ("the left hand", 1, true))
    #expect(box.points == [Region.Point(x: 1, y: 2), Region.Point(x: 30, y: 40)])
    let first = try Region(parsing: "1:0,0,640,480", sizes: Self.sizes)
    #expect((first.label, first.image) == ("", 0))
  }

  @Test(arguments: [
    ("0,0,101,50", "in a picture of 100x50"), ("-1,0,10,10", "0...100 across"), ("0,0,10,51", "0...50 down"), ("30,2,1,40", "the upper left corner first"),
    ("1,40,30,2", "the upper left corner first"), ("5,5,5,9", "no inside"), ("5,5,9,5", "no inside"), ("1,2,3", "x1,y1,x2,y2"), ("1,2,3,4,5", "x1,y1,x2,y2"),
    ("a,2,3,4", "x1,y1,x2,y2"), ("1.5,2,3,4", "x1,y1,x2,y2"), ("", "x1,y1,x2,y2"), ("3:0,0,1,1", "from 1 to 2"), ("0:0,0,1,1", "from 1 to 2"),
    ("99999999999999999999,0,1,1", "x1,y1,x2,y2"), ("9223372036854775807,0,1,1", "in a picture"),
  ])
  func aBoxThatCannotBeIsNamed(_ text: String, _ part: String) {
    expectError(.request, part) { _ = try Region(parsing: text, sizes: Self.sizes) }
  }

  @Test func aBoxNeedsAPicture() { expectError(.request, "without a picture") { _ = try Region(parsing: "0,0,1,1", sizes: []) } }

  @Test(arguments: [0, 1, 3, 5]) func aPlaceHasTwoOrFourCorners(_ count: Int) {
    let points = Array(repeating: Region.Point(x: 0, y: 0), count: count)
    expectError(.request, "\(count) corners") { _ = try Region("", points, width: 9, height: 9) }
  }
}
