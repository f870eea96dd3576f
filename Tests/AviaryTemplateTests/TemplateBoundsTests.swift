import AviaryCore
import AviaryTensor
import AviaryText
import Testing

/// What a hostile template may not do, and what errors say.
struct TemplateBounds {
  private func error(_ source: String, limits: Limits = .standard) -> AviaryError? {
    failure { try render(source, limits: limits) }
  }

  /// Each ends by a limit, and soon.
  @Test(
    .timeLimit(.minutes(1)),
    arguments: [
      "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
      "{{ range(1000000000) | length }}",
      "{{ range(-9223372036854775807, 9223372036854775807) }}",
      "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
      "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
      "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
      "{% set ns = namespace(x=[1]) %}{% for i in range(99999) %}{% set ns.x = [ns.x] %}{% endfor %}",
      "{% set ns = namespace(x={}) %}{% for i in range(99999) %}{% set ns.x = {'a': ns.x} %}{% endfor %}",
      "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
      "{% macro f(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}{{ f(0) }}",
      "{{ 'a' * 9223372036854775807 }}", "{{ 'ab' * 4611686018427387904 }}", "{{ [1, 2] * 9223372036854775807 }}",
      "{{ ('a' * 100000) | replace('a', 'b' * 100000) }}", "{{ ('a' * 100000).replace('', 'b' * 100000) }}",
      "{{ (['a'] * 100000) | join('b' * 100000) }}",
      "{{ ('\n' * 100000) | indent(100000, blank=true) }}", "{{ 'a' | indent(9223372036854775807, true) }}",
      "{{ [[[1]]] | tojson(indent=9223372036854775807) }}",
      "{% for a in range(99999) %}{% set x = messages[0].content * 500000 %}{% endfor %}",
      "{% set x = 'a' * 1000000 %}{% for a in range(99999) %}{{ x == 'a' * 1000000 }}{% endfor %}",
      "{% for a in range(99999) %}0123456789abcdef{% endfor %}",
    ]) func isBounded(_ source: String)
  {
    #expect(error(source)?.kind == .limit)
  }

  @Test func nestingIsBounded() {
    for (open, close) in [
      ("(", ")"), ("[", "]"), ("{'a':", "}"), ("not ", ""), ("- ", ""), ("a[", "]"), ("f(", ")"), ("a | f(", ")"),
      ("1 if ", " else 1"), ("1 + (", ")"), ("a is f(", ")"), ("x if x else ", ""),
    ] {
      for count in [200, 50_000] {
        let nested = String(repeating: open, count: count) + "1" + String(repeating: close, count: count)
        #expect(error("{{ \(nested) }}")?.kind == .limit, "\(open)")
        #expect(error("{{ \(String(repeating: open, count: count))") != nil, "\(open)")
      }
    }
    for chain in [" + 1", " ~ 1", " | abs", ".a", "[0]", "()", " and 1", " ** 1"] {
      #expect(error("{{ 1\(String(repeating: chain, count: 50_000)) }}")?.kind == .limit, "\(chain)")
    }
    for tag in ["if 1", "for x in y", "set x", "filter upper", "generation", "macro m()", "with"] {
      #expect(error(String(repeating: "{% \(tag) %}", count: 20_000))?.kind == .limit, "\(tag)")
    }
    let target = String(repeating: "(", count: 50_000) + "a" + String(repeating: ")", count: 50_000)
    #expect(error("{% set \(target) = 1 %}")?.kind == .limit)
    #expect(error("{% for \(target) in b %}{% endfor %}")?.kind == .limit)
    let elifs = "{% if 0 %}" + String(repeating: "{% elif 0 %}", count: 20_000) + "{% endif %}"
    #expect(error(elifs) == nil)
  }

  @Test func depthThatTemplatesHaveIsAllowed() throws {
    let nested = String(repeating: "(", count: 40) + "1" + String(repeating: ")", count: 40)
    #expect(try render("{{ \(nested) }}").text == "1")
    let source =
      "{% macro show(v) %}{% if v is mapping %}{% for k, x in v.items() %}{{ k }}({{ show(x) }}){% endfor %}"
      + "{% else %}{{ v }}{% endif %}{% endmacro %}"
    let value = String(repeating: "{'a': ", count: 12) + "1" + String(repeating: "}", count: 12)
    #expect(try render("\(source){{ show(\(value)) }}").text.hasSuffix("a(1))))))))))))"))
  }

  @Test func sizesAreBounded() {
    #expect(error(String(repeating: "a", count: 10_000_000))?.kind == .limit)
    var small = Limits.standard
    small.templateOutputBytes = 4
    #expect(error("éé", limits: small) == nil)
    #expect(error("ééé", limits: small)?.kind == .limit)
    small.templateSteps = 3
    #expect(error("{{ 1 }}{{ 2 }}{{ 3 }}", limits: small)?.kind == .limit)
  }

  @Test(arguments: [
    "include 'x'", "import 'x' as y", "from 'x' import y", "extends 'x'", "block b", "call f()", "do x",
  ])
  func tagsAreRefusedByName(_ tag: String) throws {
    let name = try #require(tag.split(separator: " ").first)
    let found = try #require(error("a\n  {% \(tag) %}"))
    #expect(found.kind == .format)
    #expect(found.found.contains("`\(name)`") && found.found.contains("refused"))
    #expect(found.place == "test: line 2, column 6")
  }

  @Test(arguments: [
    "''.__class__", "''['__class__']", "messages.__class__", "[].__len__()", "messages[0].__init__", "(1).__add__(2)",
    "range.__globals__", "loop.__x__ if loop is defined else ().__class__.__bases__",
    "[''] | map(attribute='__class__') | list",
    "namespace().__dict__", "none.__class__", "raise_exception.__code__", "messages[0].items.__func__",
    "[1].append(2)", "[1].pop()", "[2, 1].sort()", "'a' | format(1)", "'%s' % 'a'", "'{}'.format(1)", "cycler(1)",
    "joiner()", "lipsum()", "[1] | random", "'a' | urlize", "[1] | attr('x')", "f(*[1])", "f(**{})",
  ]) func isRefused(_ expression: String) throws {
    let found = try #require(error("{{ \(expression) }}"), "\(expression)")
    #expect([.config, .format].contains(found.kind))
    #expect(found.place.hasPrefix("test: line 1, column "))
  }

  @Test(arguments: [
    ("{{ nothing }}", "nothing"), ("{{ 'a' ~ nothing }}", "nothing"), ("{{ nothing.x }}", "nothing"),
    ("{{ nothing['x'] }}", "nothing"), ("{{ messages[0].name }}", "name"), ("{{ nothing | trim }}", "nothing"),
    ("{% for x in nothing %}{% endfor %}", "nothing"), ("{{ 1 + nothing }}", "nothing"), ("{{ nothing() }}", "nothing"),
    ("{{ [nothing] }}", "nothing"), ("{{ nothing | tojson }}", "nothing"), ("{{ 'a' in nothing }}", "nothing"),
    ("{% macro m(q) %}{{ q }}{% endmacro %}{{ m() }}", "q"), ("{{ messages[9] }}", "9"),
    ("{{ nothing | length }}", "nothing"),
    ("{{ nothing | map('upper') | list }}", "nothing"),
  ]) func undefinedIsNamed(_ source: String, _ name: String) throws {
    let found = try #require(error(source))
    #expect(found.kind == .config)
    #expect(found.found.contains("`\(name)` is undefined"))
  }

  @Test(arguments: [
    ("{{ 1", "the tag is never closed", "line 1, column 1"),
    ("a\n{# b", "the comment is never closed", "line 2, column 1"),
    ("{% if 1 %}\n\nx", "a block is never closed", "line 1, column 1"),
    ("x\r\n {{ 'abc }}", "the string is never closed", "line 2, column 5"),
    ("{{ (1] }}", "unexpected `]`", "line 1, column 6"), ("{{ }}", "unexpected `}}`", "line 1, column 4"),
    ("{% endif %}", "the tag `endif` is unknown", "line 1, column 4"),
    ("{{ 1 2 }}", "unexpected the number 2", "line 1, column 6"),
    ("{% break %}", "`break` stands outside a loop", "line 1, column 4"),
    ("{{ a ? b }}", "unexpected character `?`", "line 1, column 6"),
    ("{% set 1 = 2 %}", "unexpected the number 1", "line 1, column 8"),
    ("{% set true = 2 %}", "`true` cannot be assigned", "line 1, column 8"),
    ("{% for x in y recursive %}{% endfor %}", "recursive loops are refused", "line 1, column 15"),
    ("{{ 99999999999999999999 }}", "malformed or too large", "line 1, column 4"),
    ("{{ '\\ud800' }}", "malformed escape", "line 1, column 6"),
    ("{% raw %}", "`raw` block is never closed", "line 1, column 1"),
  ]) func syntaxErrorsSayWhere(_ source: String, _ what: String, _ place: String) throws {
    let found = try #require(error(source))
    #expect(found.kind == .format)
    #expect(found.found.contains(what), "\(found)")
    #expect(found.place == "test: \(place)")
  }

  @Test(arguments: [
    "{{ 1 // 0 }}", "{{ 1 % 0 }}", "{{ 1.0 / 0 }}", "{{ 9223372036854775807 + 1 }}", "{{ -9223372036854775807 - 2 }}",
    "{{ 2 ** 64 }}", "{{ 9223372036854775807 * 2 }}", "{{ (-9223372036854775807 - 1) // -1 }}",
    "{{ (-9223372036854775807 - 1) | abs }}", "{{ -(-9223372036854775807 - 1) }}", "{{ 'a'[::0] }}", "{{ 0 ** -1 }}",
    "{{ 2 ** 0.5 }}", "{{ 1 < 'a' }}", "{{ 'a' + 1 }}", "{{ 'a'.split('') }}", "{{ {[1]: 2} }}",
    "{{ 1 is divisibleby 0 }}",
    "{% set a, b = [1] %}", "{% set x.y = 1 %}", "{{ [1, 'a'] | sort }}", "{{ range(1, 2, 0) }}", "{{ range('a') }}",
    "{% set ns = namespace() %}{% set ns.x = ns %}", "{% set ns = namespace() %}{{ [ns] }}",
    "{{ messages[0] }}{{ range }}",
    "{{ 'abc'.strip(1, 2) }}", "{{ 'abc' | trim(x=1) }}", "{{ strftime_now('%Y') }}", "{{ 1 | round(99) }}",
    "{{ 1.5.x() }}",
    "{{ [1] | map('upper2') | list }}", "{{ [1] | select('nope') | list }}",
    "{{ (messages | map(attribute='role'))[0] }}",
    "{{ messages | map(attribute='role') }}", "{{ loop.cycle() }}", "{{ dict(1) }}", "{{ 'a' is divisibleby 2 }}",
  ]) func runtimeErrorsDoNotTrap(_ source: String) {
    #expect(error(source)?.kind == .config, "\(source)")
  }

  @Test func extremesDoNotTrap() throws {
    let low = "(-9223372036854775807 - 1)"
    #expect(
      try render("{{ 'abc'[\(low):9223372036854775807] }}{{ 'abc'[::\(low)] }}{{ 'abc'[9223372036854775807::-1] }}")
        .text == "abcccba")
    #expect(try render("{{ [1, 2][\(low)] is defined }}{{ \(low) % -1 }}{{ 1e300 | int }}").text == "False00")
    #expect(try render("{{ \(low) is divisibleby(-1) }}{{ range(\(low), \(low) + 1) | length }}").text == "True1")
    #expect(
      try render("{{ 'a'.split('b', \(low)) | length }}{{ 1e308 * 10 }}{{ (1e308 * 10) | int(7) }}").text == "1inf7")
  }

  @Test func exceptionTextIsData() throws {
    let message = "a\u{1B}[31m\n\"b\"" + String(repeating: "x", count: 1000)
    let found = try #require(
      failure {
        try render("{{ raise_exception('No: ' ~ messages[0].content) }}", [ChatMessage(.user, message)])
      })
    #expect(found.kind == .request)
    #expect(found.found.contains("No: a [31m \"b\"xxx"))
    #expect(!found.description.unicodeScalars.contains { $0.properties.generalCategory == .control })
    #expect(found.description.count < 450)
  }
}
