/** The two quoted string forms of pickle protocol 0. */

const ESCAPES: Record<string, number> = {
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  '\\': 92,
  "'": 39,
  '"': 34,
};

/**
 * Bytes of a Python 2 string literal such as `'ab\x00'`; null when it is none.
 * @internal
 */
export function parsePythonString(literal: string): Uint8Array | null {
  const quote = literal[0];
  if (literal.length < 2 || (quote !== "'" && quote !== '"') || literal.at(-1) !== quote) return null;
  const out: number[] = [];
  const end = literal.length - 1;
  for (let i = 1; i < end; i++) {
    if (literal[i] !== '\\') {
      out.push(literal.charCodeAt(i) & 255);
      continue;
    }
    if (++i >= end) return null;
    const c = literal[i];
    const octal = /^[0-7]{1,3}/.exec(literal.slice(i, Math.min(i + 3, end)));
    if (c === 'x') {
      const hex = literal.slice(i + 1, Math.min(i + 3, end));
      if (!/^[0-9a-fA-F]{2}$/.test(hex)) return null;
      out.push(Number.parseInt(hex, 16));
      i += 2;
    } else if (octal) {
      out.push(Number.parseInt(octal[0], 8) & 255);
      i += octal[0].length - 1;
    } else if (c in ESCAPES) {
      out.push(ESCAPES[c]);
    } else {
      out.push(92, literal.charCodeAt(i) & 255);
    }
  }
  return Uint8Array.from(out);
}

/** Text in Python's raw-unicode-escape: latin-1 with `\uXXXX` and `\UXXXXXXXX`. @internal */
export function parseRawUnicode(line: string): string {
  return line.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (whole, four, eight) => {
    const code = Number.parseInt(four ?? eight, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
