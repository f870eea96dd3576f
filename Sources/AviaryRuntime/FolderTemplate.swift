import AviaryCore
import AviaryTensor
import AviaryText

/// The chat template of a folder.
enum FolderTemplate {
  static func load(_ folder: FolderOnDisk) throws(AviaryError) -> (any PromptTemplate)? { nil }
}
