/**
 * IEEE 754 half precision (binary16) to float32 and back. JavaScript has no Float16Array in Node 20.
 */

/** Decodes (n) uint16 half-precision bit patterns to (n) float32; exact. @param out where to; fresh memory unless given */
export function decodeHalf(
  bits: Uint16Array,
  out: Float32Array = new Float32Array(bits.length),
): Float32Array {
  const words = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i++) {
    const h = bits[i];
    const exponent = h & 0x7c00;
    // Normal numbers: the same bits with more room, and the exponents' biases are 15 and 127.
    if (exponent !== 0 && exponent !== 0x7c00)
      words[i] = ((h & 0x8000) << 16) | (((h & 0x7fff) << 13) + 0x38000000);
    else out[i] = rareHalf(h);
  }
  return out;
}

/** Zero, subnormal, infinity and NaN. */
function rareHalf(h: number): number {
  const sign = h & 0x8000 ? -1 : 1;
  const fraction = h & 1023;
  if ((h & 0x7c00) === 0) return sign * fraction * 2 ** -24;
  return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
}

/** Encodes (n) numbers as (n) uint16 half-precision bit patterns, rounding to nearest even; overflow gives ±∞. */
export function encodeHalf(values: ArrayLike<number>): Uint16Array {
  const f = new Float32Array(1);
  const u = new Uint32Array(f.buffer);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    f[0] = values[i];
    const x = u[0];
    const sign = (x >>> 16) & 0x8000;
    const magnitude = x & 0x7fffffff;
    if (magnitude > 0x7f800000) {
      out[i] = sign | 0x7e00;
    } else if (magnitude >= 0x477ff000) {
      out[i] = sign | 0x7c00;
    } else if (magnitude < 0x38800000) {
      // Subnormal half: scale to units of 2^-24 (exact in float32) and round half to even.
      const units = Math.abs(f[0]) * 16777216;
      const floor = Math.floor(units);
      const rest = units - floor;
      out[i] = sign | (floor + (rest > 0.5 || (rest === 0.5 && (floor & 1) === 1) ? 1 : 0));
    } else {
      const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
      out[i] = sign | ((rounded - 0x38000000) >>> 13);
    }
  }
  return out;
}
