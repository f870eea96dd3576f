import CAviaryKernels
import Foundation
import Testing

@Suite struct SpatialTests {
  struct Convolution: Sendable {
    var channels = 3, h = 9, w = 11, out = 4, kh = 3, kw = 3, groups = 1, stride = 1, dilation = 1, pad = 0
  }

  static let convolutions = [
    Convolution(), Convolution(stride: 2, pad: 1), Convolution(kh: 1, kw: 1), Convolution(channels: 4, out: 6, groups: 2, pad: 1),
    Convolution(channels: 5, out: 5, groups: 5, stride: 2, pad: 2), Convolution(channels: 4, out: 8, groups: 4, dilation: 2, pad: 2),
    Convolution(h: 28, w: 42, out: 33, kh: 14, kw: 14, stride: 14), Convolution(channels: 20, h: 30, w: 30, out: 20, kh: 5, kw: 3, dilation: 2, pad: 3),
  ]

  @Test(arguments: Level.all, convolutions) func convolve(_ level: Level, _ c: Convolution) {
    level.withPool { pool in
      for type in floatTypes {
        let n = 2, taps = c.channels / c.groups
        let oh = (c.h + 2 * c.pad - c.dilation * (c.kh - 1) - 1) / c.stride + 1, ow = (c.w + 2 * c.pad - c.dilation * (c.kw - 1) - 1) / c.stride + 1
        let x = noise(n * c.channels * c.h * c.w), weight = Stored(noise(c.out * taps * c.kh * c.kw, seed: 2), type)
        var y = [Float](repeating: .nan, count: n * c.out * oh * ow), wanted = [Float]()
        x.withUnsafeBufferPointer { x in weight.bytes.withUnsafeBytes { weight in y.withUnsafeMutableBufferPointer { y in
          var p = av_conv2d_args()
          (p.n, p.channels, p.h, p.w, p.out_channels) = (Int64(n), Int64(c.channels), Int64(c.h), Int64(c.w), Int64(c.out))
          (p.kh, p.kw, p.groups, p.oh, p.ow) = (Int64(c.kh), Int64(c.kw), Int64(c.groups), Int64(oh), Int64(ow))
          (p.stride_y, p.stride_x, p.dilation_y, p.dilation_x) = (Int64(c.stride), Int64(c.stride), Int64(c.dilation), Int64(c.dilation))
          (p.pad_top, p.pad_left, p.x, p.weight, p.weight_type, p.y) = (Int64(c.pad), Int64(c.pad), x.baseAddress, weight.baseAddress, type, y.baseAddress)
          av_conv2d(pool, &p)
        } } }
        for b in 0..<n { for o in 0..<c.out { for oy in 0..<oh { for ox in 0..<ow {
          var sum = 0.0
          for i in 0..<taps { for ky in 0..<c.kh { for kx in 0..<c.kw {
            let iy = oy * c.stride + ky * c.dilation - c.pad, ix = ox * c.stride + kx * c.dilation - c.pad
            guard iy >= 0, iy < c.h, ix >= 0, ix < c.w else { continue }
            let channel = o / (c.out / c.groups) * taps + i
            sum += Double(x[((b * c.channels + channel) * c.h + iy) * c.w + ix]) * Double(weight.values[((o * taps + i) * c.kh + ky) * c.kw + kx])
          } } }
          wanted.append(Float(sum))
        } } } }
        #expect(relativeError(y, wanted) < 2e-6)
      }
    }
  }

  @Test(arguments: Level.all) func pooling(_ level: Level) {
    level.withPool { pool in
      for (average, counts) in [(false, false), (true, false), (true, true)] {
        let (planes, h, w, k, stride, pad) = (3, 7, 8, 3, 2, 1), oh = (h + 2 * pad - k) / stride + 1, ow = (w + 2 * pad - k) / stride + 1
        let x = noise(planes * h * w)
        var y = [Float](repeating: .nan, count: planes * oh * ow), wanted = [Float]()
        x.withUnsafeBufferPointer { x in y.withUnsafeMutableBufferPointer { y in
          var p = av_pool2d_args()
          (p.planes, p.h, p.w, p.oh, p.ow, p.kh, p.kw) = (Int64(planes), Int64(h), Int64(w), Int64(oh), Int64(ow), Int64(k), Int64(k))
          (p.stride_y, p.stride_x, p.pad_top, p.pad_left) = (Int64(stride), Int64(stride), Int64(pad), Int64(pad))
          (p.average, p.count_include_pad, p.x, p.y) = (average, counts, x.baseAddress, y.baseAddress)
          av_pool2d(pool, &p)
        } }
        for plane in 0..<planes { for oy in 0..<oh { for ox in 0..<ow {
          var seen = [Float]()
          for iy in (oy * stride - pad)..<(oy * stride - pad + k) { for ix in (ox * stride - pad)..<(ox * stride - pad + k) where iy >= 0 && iy < h && ix >= 0 && ix < w {
            seen.append(x[(plane * h + iy) * w + ix])
          } }
          wanted.append(average ? seen.reduce(0, +) / Float(counts ? k * k : seen.count) : seen.max() ?? 0)
        } } }
        #expect(relativeError(y, wanted) < 1e-6)
      }
    }
  }

  /// The definition, pixel by pixel in double.
  static func resized(_ x: [Float], _ h: Int, _ w: Int, _ oh: Int, _ ow: Int, _ kind: av_resize_kind, _ corners: Bool) -> [Float] {
    func place(_ at: Int, _ size: Int, _ out: Int) -> Double {
      if corners { return out > 1 ? Double(at) * Double(size - 1) / Double(out - 1) : 0 }
      let scale = Double(size) / Double(out)
      return kind == AV_NEAREST ? (Double(at) * scale).rounded(.down) : (Double(at) + 0.5) * scale - 0.5
    }
    func weight(_ d: Double) -> Double {
      let d = abs(d)
      if kind == AV_NEAREST { return d < 0.5 ? 1 : 0 }
      if kind == AV_BILINEAR { return max(0, 1 - d) }
      let a = -0.75
      return d <= 1 ? (a + 2) * d * d * d - (a + 3) * d * d + 1 : d < 2 ? a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a : 0
    }
    return (0..<oh).flatMap { oy in (0..<ow).map { ox in
      let (py, px) = (place(oy, h, oh), place(ox, w, ow))
      var sum = 0.0
      for iy in (Int(py.rounded(.down)) - 1)...(Int(py.rounded(.down)) + 2) { for ix in (Int(px.rounded(.down)) - 1)...(Int(px.rounded(.down)) + 2) {
        sum += weight(py - Double(iy)) * weight(px - Double(ix)) * Double(x[min(max(iy, 0), h - 1) * w + min(max(ix, 0), w - 1)])
      } }
      return Float(sum)
    } }
  }

  @Test(arguments: Level.all, [AV_NEAREST, AV_BILINEAR, AV_BICUBIC]) func resize(_ level: Level, _ kind: av_resize_kind) {
    level.withPool { pool in
      for (h, w, oh, ow) in [(3, 5, 7, 11), (17, 9, 8, 8), (1, 1, 3, 4), (6, 6, 6, 6), (24, 24, 16, 36)] {
        for corners in kind == AV_NEAREST ? [false] : [false, true] {
          let x = noise(2 * h * w)
          var y = [Float](repeating: .nan, count: 2 * oh * ow)
          x.withUnsafeBufferPointer { x in y.withUnsafeMutableBufferPointer { y in
            var p = av_resize_args()
            (p.planes, p.h, p.w, p.oh, p.ow, p.kind, p.align_corners, p.cubic_a) = (2, Int64(h), Int64(w), Int64(oh), Int64(ow), kind, corners, -0.75)
            (p.x, p.y) = (x.baseAddress, y.baseAddress)
            av_resize2d(pool, &p)
          } }
          let wanted = (0..<2).flatMap { Self.resized(Array(x[($0 * h * w)..<(($0 + 1) * h * w)]), h, w, oh, ow, kind, corners) }
          #expect(relativeError(y, wanted) < 1e-5, "\(h) x \(w) to \(oh) x \(ow), corners \(corners)")
        }
      }
    }
  }
}
