import AviaryCore
import AviaryText
import Testing

/// Marks: text from messages stays untrusted whatever the template does with it.
struct TemplateMarks {
  private func trusted(_ source: String, _ content: String) throws -> String {
    try render(source, [ChatMessage(.user, content)], variables: ["bos_token": "<s>"]).trustedText
  }

  /// The template's own text is trusted, the message's is not; `$` stands for the message's content.
  @Test(arguments: [
    ("{{ bos_token }}a{{ $ }}b", "<s>ab"),
    ("{{ $ | trim }}{{ 'x' ~ $ ~ 'y' }}{{ 'p' + $ + 'q' }}", "xypq"),
    ("{{ [$, 'k', $] | join('-') }}", "-k-"),
    ("{{ $.replace('<', '[') }}", "["),
    ("{{ 'a-b' | replace('-', $) }}", "ab"),
    ("{{ $[1:] }}{{ $[::-1] }}{{ $ | upper }}{{ $ | reverse }}{{ $[0] }}", ""),
    ("{{ $ | e }}{{ $ | tojson }}", "\"\""),
    ("{{ $ | tojson(ensure_ascii=true) }}{{ [$] }}", "\"\"['']"),
    ("{% set x %}a{{ $ }}b{% endset %}{{ x }}{% set ns = namespace(v=$) %}{{ ns.v }}", "ab"),
    ("{% macro m(t) %}<{{ t }}>{% endmacro %}{{ m($) }}", "<>"),
    ("{% for c in $ %}{{ c }},{% endfor %}", ",,,,,"),
    ("{% for p in $.split('s') %}{{ p }}|{% endfor %}", "||"),
    ("{% filter upper %}{{ $ }}a{% endfilter %}", "A"),
    ("{{ {'k': $}.k }}{{ {'k': $} | items | first | last }}{{ ($, 'z') | last }}", "z"),
    ("{{ $ | length }}{{ $.find('s') }}{{ ($ | length) + 1 }}{{ loop | d('') }}", ""),
    ("{{ $ | indent(2, true) }}{{ $ * 2 }}", "  "),
    ("{{ 'x' if $ == '<s>é\n' else 'y' }}", "x"),
  ]) func keepsMarks(_ source: String, _ expected: String) throws {
    #expect(try trusted(source.replacing("$", with: "messages[0].content"), "<s>é\n") == expected)
  }

  @Test func numbersReadFromMessagesAreUntrusted() throws {
    #expect(
      try trusted("{{ messages[0].content | int }}|{{ (messages[0].content | float) * 2 }}|{{ 3 }}", "7") == "||3")
  }

  @Test func variablesHaveTheTrustThatTheCallerGives() throws {
    let tools = JSONValue.array([.string("<s>"), .int(3)])
    let text = try render(
      "{{ a }}|{{ b }}|{{ c | tojson }}", variables: ["a": "<a>", "b": .untrusted("<b>"), "c": .json(tools)])
    #expect(text.text == "<a>|<b>|[\"<s>\", 3]")
    #expect(text.trustedText == "<a>||[\"\", ]")
  }

  /// Random templates over a message of Greek letters, which no template has: none may end up in a trusted range,
  /// and all else that is a Latin letter must.
  @Test(arguments: 0..<40) func randomTemplates(_ seed: Int) {
    var random = Generator(seed: UInt64(seed) &* 0x9E37_79B9 &+ 1)
    var rendered = 0
    for _ in 0..<100 {
      let source = random.template()
      guard let text = try? render(source, [ChatMessage(.user, " αΒγ δέΣ\n\"ς'<ω>ΐ\\ ")]) else { continue }
      rendered += 1
      let inside = text.trustedText.unicodeScalars.first { $0.properties.isAlphabetic && !$0.isASCII }
      #expect(inside == nil, "\(source) -> \(text)")
    }
    #expect(rendered > 50)
  }

  private struct Generator {
    var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    mutating func pick(_ choices: [String]) -> String { choices[next(choices.count)] }

    mutating func template() -> String {
      let e = expression(4)
      switch next(7) {
      case 0: return "{% set v = \(e) %}{{ v }}"
      case 1: return "{% set v %}pre {{ \(e) }} post{% endset %}{{ v | upper }}"
      case 2: return "{% for c in [\(e), \(expression(2))] %}{{ c }}{{ loop.index }}{% endfor %}"
      case 3: return "{% macro m(a, b='q') %}[{{ a ~ b }}]{% endmacro %}{{ m(\(e)) | lower }}"
      case 4:
        return "{% set ns = namespace(t='') %}{% for i in range(3) %}{% set ns.t = ns.t + \(e) %}{% endfor %}{{ ns.t }}"
      case 5: return "{% filter \(pick(["trim", "upper", "e", "title"])) %}{{ \(e) }}{% endfilter %}"
      default: return "{{ \(e) }}"
      }
    }

    mutating func expression(_ depth: Int) -> String {
      guard depth > 0 else {
        return pick(["messages[0].content", "messages[0]['content']", "'abc'", "'x, y'", "messages[0].role"])
      }
      let a = expression(depth - 1)
      let b = expression(next(depth))
      switch next(16) {
      case 0: return "(\(a) ~ \(b))"
      case 1: return "(\(a) + \(b))"
      case 2:
        return
          "(\(a) | \(pick(["trim", "upper", "lower", "title", "capitalize", "reverse", "e", "tojson", "indent", "string"])))"
      case 3:
        return "\(a).\(pick(["strip", "lstrip", "rstrip", "upper", "lower", "title", "swapcase", "capitalize"]))()"
      case 4: return "(\(a))[\(pick(["1:", ":-1", "::-1", "::2", "0", "-1"]))]"
      case 5: return "([\(a), \(b)] | join(\(pick(["'-'", b]))))"
      case 6: return "(\(a)).replace(\(pick(["'a'", "' '", "''", b])), \(b))"
      case 7: return "(\(a) | replace(\(pick(["'b'", "'α'"])), \(b)))"
      case 8: return "((\(a)).split(\(pick(["", "' '", b]))) | join('+'))"
      case 9:
        return
          "([\(a), \(b)] | \(pick(["tojson", "string", "tojson(indent=2)", "map('upper') | join", "sort | join", "unique | first", "list | last"])))"
      case 10: return "(\(a) if \(b) == 'abc' else \(b))"
      case 11: return "{'k': \(a), 'l': \(b)}\(pick([".k", "['l']", ".items() | list | string"]))"
      case 12: return "(\(a)).partition(\(pick(["' '", "'b'"])))\(pick(["[0]", "[2]"]))"
      case 13: return "(\(a) * \(next(3)))"
      case 14: return "((\(a)).splitlines() | join('~'))"
      default: return "(\(a) | default(\(b), true))"
      }
    }
  }
}
