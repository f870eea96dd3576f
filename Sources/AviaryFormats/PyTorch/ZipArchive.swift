import AviaryCore
import AviaryTensor

/// A zip file as PyTorch writes it: entries stored without compression, so that each can be used where it lies.
///
/// The central directory says what is there; every local header is compared with it, and entries may not share bytes,
/// so that no two readers can see two different files (APPNOTE.TXT 6.3).
struct ZipArchive {
  struct Entry {
    let name: String
    /// Where its bytes are in the file.
    let range: Range<Int>
    let crc: UInt32
  }

  /// In the order of the directory; their names differ.
  let entries: [Entry]

  /// - Throws: `.format` where a record breaks a rule, an entry is compressed, encrypted, overlaps another, or has a name
  ///   that leaves the archive; `.limit`.
  init(_ bytes: UnsafeRawBufferPointer, limits: Limits) throws(AviaryError) {
    let directory = try ZipDirectory(bytes)
    guard directory.entryCount <= limits.zipEntries else {
      throw AviaryError(
        .limit, "the archive has \(directory.entryCount) entries", wanted: "at most \(limits.zipEntries)")
    }
    var reader = ByteReader(
      UnsafeRawBufferPointer(rebasing: bytes[..<directory.range.upperBound]), at: directory.range.lowerBound)
    var records: [ZipCentralRecord] = []
    var names: Set<String> = []
    for _ in 0..<directory.entryCount {
      let record = try ZipCentralRecord(&reader)
      // Nothing is ever unpacked by these names; one that could leave a folder still marks a file made to do harm.
      _ = try ContainedPath.components(record.name, at: "zip entry")
      guard names.insert(record.name).inserted else {
        throw AviaryError(.format, "two entries are named \(quoted(record.name))", wanted: "names that differ")
      }
      records.append(record)
    }
    guard reader.remaining == 0 else {
      throw AviaryError(.format, "\(reader.remaining) bytes after the last entry of the directory", wanted: "none")
    }
    var entries: [Entry] = []
    for record in records {
      let range = try record.locate(bytes, directoryStart: directory.range.lowerBound)
      entries.append(Entry(name: record.name, range: range, crc: record.crc))
    }
    try ZipArchive.checkOverlap(zip(records, entries).map { ($0.name, $0.headerOffset, $1.range.upperBound) })
    self.entries = entries
  }

  /// The bytes of an entry after its checksum was compared.
  func checkedBytes(_ entry: Entry, in bytes: UnsafeRawBufferPointer) throws(AviaryError) -> UnsafeRawBufferPointer {
    let content = UnsafeRawBufferPointer(rebasing: bytes[entry.range])
    guard CRC32.checksum(content) == entry.crc else {
      throw AviaryError(.format, "the checksum is wrong: the file is damaged", at: "entry \(quoted(entry.name))")
    }
    return content
  }

  private static func checkOverlap(_ spans: [(name: String, start: Int, end: Int)]) throws(AviaryError) {
    var end = 0
    for span in spans.sorted(by: { $0.start < $1.start }) {
      guard span.start >= end else {
        throw AviaryError(.format, "it overlaps the entry before it", at: "entry \(quoted(span.name))")
      }
      end = span.end
    }
  }
}
