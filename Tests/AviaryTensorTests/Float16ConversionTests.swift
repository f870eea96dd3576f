import AviaryTensor
import Testing

@Suite struct Float16ConversionTests {
  @Test func everyHalfSurvivesTheRoundTrip() {
    for bits in UInt16.min...UInt16.max {
      let value = float(f16: bits)
      if value.isNaN {
        #expect(bits & 0x7C00 == 0x7C00 && bits & 0x3FF != 0)
        #expect(float(f16: f16Bits(value)).isNaN)
      } else if f16Bits(value) != bits {
        Issue.record("\(bits) became \(f16Bits(value))")
      }
    }
  }

  #if !(os(macOS) && arch(x86_64))
    /// The language's own type, where the platform has it.
    @Test func agreesWithFloat16() {
      for bits in UInt16.min...UInt16.max where !float(f16: bits).isNaN {
        if float(f16: bits) != Float(Float16(bitPattern: bits)) { Issue.record("value of \(bits)") }
      }
      // Every upper half of a Float, with lower halves around the rounding points.
      for upper in 0...UInt32(UInt16.max) {
        for lower: UInt32 in [0, 1, 0x0FFF, 0x1000, 0x1001, 0x3000, 0x7FFF, 0x8000, 0xFFFF] {
          let value = Float(bitPattern: upper << 16 | lower)
          if value.isNaN { continue }
          if f16Bits(value) != Float16(value).bitPattern { Issue.record("\(value) became \(f16Bits(value))") }
        }
      }
    }
  #endif

  @Test func bfloatsRoundToNearestEven() {
    for bits in UInt16.min...UInt16.max where !float(bf16: bits).isNaN {
      if bf16Bits(float(bf16: bits)) != bits { Issue.record("\(bits)") }
    }
    #expect(bf16Bits(Float(bitPattern: 0x3F80_8000)) == 0x3F80)  // half-way, even below
    #expect(bf16Bits(Float(bitPattern: 0x3F81_8000)) == 0x3F82)  // half-way, even above
    #expect(bf16Bits(Float(bitPattern: 0x3F80_8001)) == 0x3F81)
    #expect(bf16Bits(.greatestFiniteMagnitude) == 0x7F80)
    #expect(float(bf16: bf16Bits(.nan)).isNaN)
    // A NaN whose payload is in the lower half only must not become infinity.
    #expect(float(bf16: bf16Bits(Float(bitPattern: 0x7F80_0001))).isNaN)
    #expect(float(f16: f16Bits(Float(bitPattern: 0x7F80_0001))).isNaN)
  }
}
