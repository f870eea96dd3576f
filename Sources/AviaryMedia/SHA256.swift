import CCrypto

/// SHA-256 (FIPS 180-4) by OpenSSL's libcrypto, over parts that come one after another.
final class SHA256 {
  private let context: OpaquePointer

  init() {
    // Fails only where no memory is left for some hundred bytes, or where the library lacks SHA-256: neither comes from
    // a file or a request, and going on without a digest would mix up pictures.
    guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
      preconditionFailure("libcrypto gives no SHA-256")
    }
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  func update(_ bytes: UnsafeRawBufferPointer) {
    let isTaken = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    precondition(isTaken == 1, "libcrypto hashes no further")
  }

  func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  /// 32 bytes. Nothing may be added afterwards.
  func finalize() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    let isDone = EVP_DigestFinal_ex(context, &digest, nil)
    precondition(isDone == 1, "libcrypto ends no digest")
    return digest
  }
}
