/**
 * SHA-256 (FIPS 180-4). WebCrypto does it natively (about 1 GB/s), but pages on insecure origins have no
 * `crypto.subtle`: they get the plain implementation below, some 60 MB/s. Node's WebCrypto copies what it is given and is
 * loaded first: the embedded head took it twice as long as Node's own hash.
 */

/** What of Node is used. */
interface NodeProcess {
  getBuiltinModule?(name: 'node:crypto'): {
    createHash(algorithm: 'sha256'): {
      update(bytes: Uint8Array): { digest(encoding: 'hex'): string };
    };
  };
}

/** SHA-256 of `bytes` as 64 lower-case hexadecimal digits. */
export async function sha256Hex(bytes: Uint8Array): Promise<string> {
  const { process } = globalThis as { readonly process?: NodeProcess };
  const node = process?.getBuiltinModule?.('node:crypto');
  if (node) return node.createHash('sha256').update(bytes).digest('hex');
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) return sha256HexPlain(bytes);
  // WebCrypto refuses memory shared between workers.
  const own = bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : bytes.slice();
  return hex(new Uint8Array(await subtle.digest('SHA-256', own)));
}

/** {@link sha256Hex} without WebCrypto. @internal */
export function sha256HexPlain(bytes: Uint8Array): string {
  const state = Uint32Array.from(INITIAL);
  const w = new Uint32Array(64);
  const whole = bytes.length - (bytes.length % 64);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < whole; at += 64) compress(state, view, at, w);

  // The tail: what is left, a one bit, zeros, and the length in bits as 64-bit big-endian.
  const rest = bytes.length - whole;
  const tail = new Uint8Array(rest < 56 ? 64 : 128);
  tail.set(bytes.subarray(whole));
  tail[rest] = 0x80;
  const tailView = new DataView(tail.buffer);
  tailView.setBigUint64(tail.length - 8, BigInt(bytes.length) * 8n);
  for (let at = 0; at < tail.length; at += 64) compress(state, tailView, at, w);

  const out = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => {
    out.setUint32(4 * i, word);
  });
  return hex(new Uint8Array(out.buffer));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}

function compress(state: Uint32Array, view: DataView, at: number, w: Uint32Array): void {
  for (let t = 0; t < 16; t++) w[t] = view.getUint32(at + 4 * t);
  for (let t = 16; t < 64; t++) {
    const x = w[t - 15];
    const y = w[t - 2];
    const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
    const s1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
    w[t] = w[t - 16] + s0 + w[t - 7] + s1;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let t = 0; t < 64; t++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[t] + w[t]) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

function rotate(x: number, n: number): number {
  return (x >>> n) | (x << (32 - n));
}

/** First 32 bits of the fractional parts of `root` of the first `n` primes, which is how the standard defines them. */
function constants(n: number, root: (p: number) => number): Uint32Array {
  const out = new Uint32Array(n);
  for (let p = 2, i = 0; i < n; p++) {
    let prime = true;
    for (let q = 2; q * q <= p; q++) if (p % q === 0) prime = false;
    if (prime) out[i++] = (root(p) % 1) * 2 ** 32;
  }
  return out;
}

const INITIAL = constants(8, Math.sqrt);
const ROUND = constants(64, Math.cbrt);
