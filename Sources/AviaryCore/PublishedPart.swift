public import AviaryTensor

/// A part of a composed checkpoint as its publisher offers it: what it is called, in which repository, under which licence.
public struct PublishedPart: Sendable, Hashable {
  /// For the error where it is missing: "the file eva_vit_g.pth of salesforce/LAVIS (licence: BSD 3-Clause)".
  public var description: String
  public init(_ description: String) { self.description = description }

  /// Opens the part; where a file is missing, the error says where it is published.
  ///
  /// - Parameter absent: says what is missing in the place of the error's own words.
  public func opened<T>(absent: String? = nil, at place: String? = nil, _ open: () throws(AviaryError) -> T) throws(AviaryError) -> T {
    do throws(AviaryError) { return try open() } catch {
      guard error.kind == .file else { throw error }
      throw AviaryError(.file, absent ?? error.found, wanted: description, at: place ?? error.place)
    }
  }
}
