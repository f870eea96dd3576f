import AviaryCore
import AviaryFormats
public import AviaryTensor
import AviaryTrain

/// Asks a model every question of a file and scores its answers.
public struct Evaluation: Sendable {
  public enum Metric: String, Sendable, CaseIterable {
    /// The answer, without blanks around it, is the reference.
    case exact
    /// VQA's accuracy among several people's answers.
    case vqa
    /// CIDEr-D among several people's captions.
    case cider
    /// Edits of characters over the references' characters: less is better.
    case cer
    /// Boxes that overlap by half or more.
    case iou
  }

  public struct Row: Sendable {
    public let place: String
    public let question: String
    /// What kind of question it is, where its line says so.
    public let category: String?
    public let images: [String]
    public let references: [String]
    public let answer: String
    public internal(set) var score: Double
  }

  public struct Report: Sendable {
    public let model: String
    public let data: String
    public let metric: Metric
    public let rows: [Row]
    public let score: Double
    /// Mean overlap of boxes, where these are judged.
    public let meanOverlap: Double?
  }

  public var metric: Metric
  public var maxTokens = 64
  /// Lines to ask; all by default.
  public var limit = Int.max
  /// Questions that are answered at the same time; the answers are those of one after another.
  public var batch = 8

  public init(_ metric: Metric) { self.metric = metric }

  /// - Parameter progress: called with how many answers are done, and of how many.
  /// - Throws: the data's errors with file and line; whatever the model throws.
  public func run(_ model: String, adapters: [String], data path: String, _ loader: ModelLoader, on backend: any Backend, progress: (Int, Int) -> Void) throws(AviaryError) -> Report {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    let file = try DataFile(.init(name: "data", path: path, images: folder, weight: 1), skipsBad: false, needsAnswers: false)
    let loaded = try loader.load(model, adapters: adapters, on: backend)
    let answering = try BatchGenerator(try Generator(loaded, features: FeatureCache(), limits: loader.limits), slots: batch)
    var rows: [Row] = []
    let all = min(file.count, limit)
    // Some more than run at the same time, so that a long answer does not leave the others without work.
    for start in stride(from: 0, to: all, by: 8 * batch) {
      let lines = start..<min(start + 8 * batch, all)
      var questions: [Question] = []
      var requests: [GenerationRequest] = []
      for line in lines {
        do throws(AviaryError) {
          let question = try Question(file, line)
          questions.append(question)
          requests.append(try request(question, loaded, file))
        } catch { throw error.at(file.place(line)) }
      }
      for ((line, question), answer) in zip(zip(lines, questions), answering.answers(requests) { progress(start + $0, all) }) {
        do throws(AviaryError) { rows.append(row(question, try answer.get())) } catch { throw error.at(file.place(line)) }
      }
    }
    return report(loaded.name, file.name, rows)
  }

  private func request(_ question: Question, _ loaded: LoadedModel, _ file: DataFile) throws(AviaryError) -> GenerationRequest {
    var images: [ImageInput] = []
    for path in question.images { images.append(loaded.input(try BatchFeed.image(path, file.imageFolder))) }
    var request = GenerationRequest(.chat(question.messages), images: images)
    (request.maxTokens, request.sampling.temperature) = (maxTokens, 0)
    return request
  }

  private func row(_ question: Question, _ result: GenerationResult) -> Row {
    let answer = result.text.trimmingWhitespace()
    return Row(
      place: question.place, question: question.messages.last?.text ?? "", category: question.category, images: question.images, references: question.references, answer: answer,
      score: score(answer, question.references))
  }

  private func score(_ answer: String, _ references: [String]) -> Double {
    switch metric {
    case .exact: references.contains { $0.trimmingWhitespace() == answer } ? 1 : 0
    case .vqa: VQAAccuracy.score(answer, references)
    case .cider: 0
    case .cer: references.map { Double(editDistance(Array(answer), Array($0))) / Double(max($0.count, 1)) }.min() ?? 1
    case .iou: Box(in: answer).flatMap { own in references.compactMap { Box(in: $0)?.overlap(own) }.max() } ?? 0
    }
  }

  private func report(_ model: String, _ data: String, _ rows: [Row]) -> Report {
    var rows = rows
    if metric == .cider {
      let scores = CIDEr.scores(rows.map { CIDEr.words($0.answer) }, rows.map { $0.references.map(CIDEr.words) })
      for index in rows.indices { rows[index].score = scores[index] }
    }
    let meanOverlap = rows.reduce(0) { $0 + $1.score } / Double(max(rows.count, 1))
    return Report(model: model, data: data, metric: metric, rows: rows, score: metric.score(of: rows), meanOverlap: metric == .iou ? meanOverlap : nil)
  }
}

extension Evaluation.Metric {
  /// What rows with scores of their own come to together.
  func score(of rows: [Evaluation.Row]) -> Double {
    func sum(_ value: (Evaluation.Row) -> Double) -> Double { rows.reduce(0) { $0 + value($1) } }
    func characters(_ row: Evaluation.Row) -> Double { Double(row.references.first?.count ?? 0) }
    return switch self {
    case .iou: sum { $0.score >= 0.5 ? 1 : 0 } / Double(max(rows.count, 1))
    case .cer: sum { $0.score * characters($0) } / max(sum(characters), 1)
    case .exact, .vqa, .cider: sum(\.score) / Double(max(rows.count, 1))
    }
  }
}

/// One line: what is asked, and what the answer should be.
private struct Question {
  let place: String
  let messages: [ChatMessage]
  let images: [String]
  let references: [String]
  let category: String?

  /// The references are `answers` or `references` (texts, or objects with an `answer`), else the conversation's last answer. A `category`
  /// (as LLaVA-Bench and POPE have it) or `question_type` (VQA v2) names the kind of question.
  init(_ file: DataFile, _ line: Int) throws(AviaryError) {
    place = file.place(line)
    let json = try file.json(line)
    let conversation = try Conversation(json, needsAnswer: false, at: place)
    images = conversation.images
    category = json["category"]?.string ?? json["question_type"]?.string
    let listed = json["answers"]?.array ?? json["references"]?.array
    var messages = conversation.messages
    let last = messages.last?.role == .assistant ? messages.removeLast().text : nil
    self.messages = messages
    references = listed?.compactMap { $0.string ?? $0["answer"]?.string } ?? last.map { [$0] } ?? []
    guard !references.isEmpty else { throw AviaryError(.format, "no reference", wanted: "answers, references, or an answer of the assistant", at: "data") }
    guard messages.last?.role == .user else { throw AviaryError(.format, "no question", wanted: "a user's message before the answer", at: "data") }
  }
}
