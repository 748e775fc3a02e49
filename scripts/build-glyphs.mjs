// Writes src/render/plot/glyphs.generated.ts: outlines of Inter's Latin letters, so that plots have text on
// machines without fonts. Run by hand when the set of characters changes; needs two packages that are no
// dependencies:  npm install --no-save opentype.js@2.0.0 @fontsource/inter@5.3.0 && node scripts/build-glyphs.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const { default: opentype } = await import('opentype.js');
const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const fontFile = fileURLToPath(import.meta.resolve('@fontsource/inter/files/inter-latin-500-normal.woff'));
const bytes = readFileSync(fontFile);
const font = opentype.parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));

const ascii = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));
const characters = [...ascii, '·', '×', '°', '²', '–', '−', '…', 'ä', 'ö', 'ü', 'é', 'è'];
const EM = 1000;
const lines = [];
for (const character of characters) {
  const glyph = font.charToGlyph(character);
  if (glyph.index === 0) continue; // not in this subset of the font; drawn as a gap
  const outline = glyph.getPath(0, 0, EM).toPathData(0);
  const advance = Math.round((glyph.advanceWidth * EM) / font.unitsPerEm);
  lines.push(`  ${JSON.stringify(character)}: [${advance}, ${JSON.stringify(outline)}],`);
}
const text = `/**
 * Outlines of Inter Medium (The Inter Project Authors, SIL Open Font License 1.1), Latin, written by
 * scripts/build-glyphs.mjs: character → [advance, SVG path], 1000 units to the em, y down, baseline at 0.
 */

/** Units to the em. */
export const EM = ${EM};

/** Advance and outline of each character. */
export const GLYPHS: Readonly<Record<string, readonly [advance: number, outline: string]>> = {
${lines.join('\n')}
};
`;
writeFileSync(path.join(root, 'src', 'render', 'plot', 'glyphs.generated.ts'), text);
console.log(`${lines.length} glyphs, ${text.length} characters`);
