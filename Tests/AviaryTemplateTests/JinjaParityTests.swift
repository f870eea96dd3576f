import AviaryCore
import AviaryText
import Foundation
import Testing

/// Snippets over the whole language with what Jinja2 3.1.6 made of them, in an immutable sandbox with `trim_blocks`,
/// `lstrip_blocks`, loop controls, and transformers' `tojson`, `raise_exception`, `strftime_now` and `generation`.
struct JinjaParity {
  struct Snippet: Sendable, CustomTestStringConvertible {
    let template: String
    let output: String
    var testDescription: String { String(template.prefix(60)) }
  }

  static let messages: [ChatMessage] = (try? conversation(fixture["messages"])) ?? []
  static let snippets: [Snippet] = (fixture["cases"] as? [[String: String]] ?? []).map {
    Snippet(template: $0["template"] ?? "", output: $0["output"] ?? "")
  }
  private static var fixture: [String: Any] {
    (try? Place.json(Place.tests.appendingPathComponent("Fixtures/snippets.json"))) ?? [:]
  }

  @Test func fixtureIsThere() {
    #expect(Self.snippets.count == 83)
    #expect(Self.messages.count == 4)
  }

  @Test(arguments: snippets) func rendersAsJinja(_ snippet: Snippet) throws {
    let template = try ChatTemplate(source: snippet.template, name: "snippet")
    let text = try template.render(
      messages: Self.messages, addGenerationPrompt: true, variables: ["bos_token": "<s>", "eos_token": "</s>"],
      contentForm: .text, now: TemplateDate(year: 2024, month: 3, day: 7, hour: 15, minute: 4, second: 9))
    #expect(text.text == snippet.output)
  }

  /// A template that is cut off gives a result or an error.
  @Test func everyTruncationReturns() {
    var parsed = 0
    var refused = 0
    for snippet in Self.snippets {
      let scalars = Array(snippet.template.unicodeScalars)
      for count in 0..<scalars.count {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars[..<count])
        if failure({ try render(String(view), Self.messages) }) == nil {
          parsed += 1
        } else {
          refused += 1
        }
      }
    }
    #expect(parsed > 500)
    #expect(refused > 5000)
  }

  /// One character replaced by another of the language's signs gives a result or an error.
  @Test func everySubstitutionReturns() {
    var count = 0
    for (index, snippet) in Self.snippets.enumerated() {
      var scalars = Array(snippet.template.unicodeScalars)
      for place in scalars.indices {
        let kept = scalars[place]
        let signs = Array("{}%#()[]|.,:'\"-~*/=1a \n\\".unicodeScalars)
        scalars[place] = signs[(place * 7 + index) % signs.count]
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        scalars[place] = kept
        _ = failure { try render(String(view), Self.messages) }
        count += 1
      }
    }
    #expect(count > 5000)
  }
}
