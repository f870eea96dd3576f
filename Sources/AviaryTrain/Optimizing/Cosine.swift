#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// cos(π t)
func cosine(_ t: Double) -> Double { cos(t * Double.pi) }

func raised(_ base: Double, _ exponent: Int) -> Double { pow(base, Double(exponent)) }
