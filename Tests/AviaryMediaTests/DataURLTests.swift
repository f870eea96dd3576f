import AviaryCore
import Foundation
import Testing

@testable import AviaryMedia

struct DataURLTests {
  @Test func picturesOfAllLengths() throws {
    for count in 1..<70 {
      let bytes = Fixtures.noise(count, seed: 3)
      let text = Data(bytes).base64EncodedString()
      #expect(try DataURL.bytes("data:image/png;base64,\(text)") == bytes)
    }
    let png = Data(PNGBuilder.small()).base64EncodedString()
    #expect(try ImageDecoder.decode(try DataURL.bytes("DATA:Image/PNG;BASE64,\(png)")).pixels == PNGBuilder.pixels)
  }

  @Test(arguments: [
    "", "data:", "http://a/b.png", "data:image/png;base64", "data:image/png;base64,", "data:,aGk=", "data:;base64,aGk=",
    "data:image/png,aGk=", "data:image/png;base64,aGk", "data:image/png;base64,aG k=", "data:image/png;base64,aGk=\n",
    "data:image/png;base64, aGk=", "data:image/png;base64,a===", "data:image/png;base64,====", "data:image/png;base64,aG=k",
    "data:image/png;base64,aGl=", "data:image/png;base64,aG-_", "data:image/png;base64,aGk=aGk=",
    "data:image/png;base64,\u{E9}\u{E9}aa", "data:image/svg+xml;base64,PHN2Zz4=", "data:text/html;base64,PGI+",
    "data:image/png;charset=x;base64,aGk=", "data:image/png;base64;base64,aGk=", "data:data:image/png;base64,aGk=",
    " data:image/png;base64,aGk=",
  ])
  func otherTextsAreRefused(text: String) {
    let error = failure(try DataURL.bytes(text))
    #expect(error?.kind == .request)
    #expect(error?.description.contains("aGk") == false)
  }

  @Test func aDataURLInsideADataURLIsNoPicture() throws {
    let inner = Data("data:image/png;base64,aGk=".utf8).base64EncodedString()
    let bytes = try DataURL.bytes("data:image/png;base64,\(inner)")
    #expect(failure(try ImageDecoder.decode(bytes))?.kind == .format)
  }

  @Test func tooLongIsRefusedUnread() {
    var limits = Limits.standard
    limits.imageFileBytes = 30
    let long = "data:image/png;base64," + String(repeating: "*", count: 48)
    #expect(failure(try DataURL.bytes(long, limits: limits))?.kind == .limit)
    let farComma = "data:image/png;" + String(repeating: "a", count: 1000) + ",aGk="
    #expect(failure(try DataURL.bytes(farComma))?.kind == .request)
  }
}
