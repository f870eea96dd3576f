import AviaryCore
import AviaryText
import Testing

/// Which form of content a template reads, and what each form gives it.
struct ContentForms {
  @Test(arguments: [
    "{% for m in messages %}{{ m.content }}{% endfor %}",
    "{% for m in messages %}{{ m['content'] | trim }}{{ m['content'].split('x')[0] }}{% endfor %}",
    "{% set loop_messages = messages[1:] %}{% for m in loop_messages %}{{ m.content[:3] }}{% endfor %}",
    "{{ messages[0]['content'] }}{% for c in messages[0].role %}{% endfor %}",
    "{% set content = messages[0].content if messages[0].content is string else '' %}{{ content }}",
  ]) func text(_ source: String) throws {
    #expect(try ChatTemplate(source: source, name: "t").contentForm == .text)
  }

  @Test(arguments: [
    "{% for m in messages %}{% for c in m['content'] %}{{ c.text }}{% endfor %}{% endfor %}",
    "{{ messages[0].content[0].text }}",
    "{% for c in messages[0].content | selectattr('type', 'equalto', 'text') %}{{ c.text }}{% endfor %}",
    "{% for m in messages %}{% set parts = m.content %}{% for p in parts %}{{ p }}{% endfor %}{% endfor %}",
    "{% macro put(content) %}{% if content is string %}{{ content }}{% else %}{% for i in content %}{{ i.text }}{% endfor %}{% endif %}{% endmacro %}{{ put(messages[0].content) }}",
    "{% macro put(c) %}{{ parts }}{% for i in parts %}{% endfor %}{% endmacro %}{% set parts = messages[0].content %}",
    "{{ messages[0].content | map(attribute='text') | join }}",
  ]) func parts(_ source: String) throws {
    #expect(try ChatTemplate(source: source, name: "t").contentForm == .parts)
  }

  private let pictured = [ChatMessage(.user, [.text("a"), .image(0), .text("b")])]

  @Test func picturesBecomeMarkers() throws {
    let template = try ChatTemplate(source: "[{{ messages[0].content }}]", name: "t")
    let text = try template.render(messages: pictured, addGenerationPrompt: false, imageMarker: "<image>\n")
    #expect(text.text == "[a<image>\nb]")
    #expect(text.trustedText == "[<image>\n]")
    let found = failure { try template.render(messages: pictured, addGenerationPrompt: false) }
    #expect(found?.kind == .request)
  }

  @Test func partsAreGivenAsMappings() throws {
    let template = try ChatTemplate(
      source: "{% for c in messages[0].content %}{{ c.type }}:{{ c.text | default('-') }} {% endfor %}", name: "t")
    #expect(try template.render(messages: pictured, addGenerationPrompt: false).text == "text:a image:- text:b ")
  }

  @Test func variablesAreSeen() throws {
    let source =
      "{{ add_generation_prompt }}{{ tools is none }}{{ documents is none }}{{ n + 1 }}{{ flag }}{{ j.a[0] }}"
    let object: JSONValue = {
      var object = JSONObject()
      object.append("a", .array([.double(1.5)]))
      return .object(object)
    }()
    let text = try render(source, variables: ["n": .int(1), "flag": true, "j": .json(object), "messages": "no"])
    #expect(text.text == "TrueTrueTrue2True1.5")
  }

  @Test func datesAreChecked() throws {
    #expect(failure { try TemplateDate(year: 2023, month: 2, day: 29) }?.kind == .request)
    let date = try TemplateDate(year: 2000, month: 2, day: 29)
    let template = try ChatTemplate(source: "{{ strftime_now('%-d %B %Y, %A, %j, %I %p, %e') }}", name: "t")
    #expect(
      try template.render(messages: [], addGenerationPrompt: false, now: date).text
        == "29 February 2000, Tuesday, 060, 12 AM, 29")
  }
}
