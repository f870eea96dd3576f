import AviaryCore
import AviaryTensor
import CoreTestSupport
import Testing

struct NameMapTests {
  @Test func theFirstRuleThatFitsWins() {
    let map = NameMap([
      .ignoreSuffix("position_ids"), .exact("model.image_newline", "newline"), .prefix("model.vision.", "eye."), .ignorePrefix("model.extra."), .prefix("model.", "text."),
    ])
    #expect(map.canonical("model.vision.a") == "eye.a")
    #expect(map.canonical("model.layers.0") == "text.layers.0")
    #expect(map.canonical("model.image_newline") == "newline")
    #expect(map.canonical("model.image_newline.x") == "text.image_newline.x")
    #expect(map.canonical("model.vision.position_ids") == nil)
    #expect(map.canonical("model.extra.a") == nil)
    #expect(map.canonical("lm_head") == "lm_head")
    #expect(map.canonical("model.") == "text.")
    #expect(map.canonical("model") == "model")
    #expect(NameMap().canonical("x") == "x")
  }
}
