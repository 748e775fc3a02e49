/**
 * Text in SVG as outlines. A machine with only Node has no fonts, and librsvg then drops text without a word, so
 * `<text>` is of no use in pictures we write; the outlines of one typeface travel with the code instead (30 KB).
 * No kerning: at label sizes it does not show.
 */
import { EM, GLYPHS } from './glyphs.generated.ts';

/** Where the given x lies in the text. */
export type TextAnchor = 'start' | 'middle' | 'end';

/** Options of {@link svgText}. */
export interface TextOptions {
  /** Height of the em in user units (pixels). */
  readonly size: number;
  /** Where x lies in the text; default start. */
  readonly anchor?: TextAnchor;
  /** SVG colour; default black. */
  readonly fill?: string;
  /** Degrees, clockwise around (x, y); default 0. */
  readonly rotate?: number;
}

/** Width of `text` in user units at the given size. Characters without an outline take the place of a space. */
export function textWidth(text: string, size: number): number {
  let units = 0;
  for (const character of text) units += glyphOf(character)[0];
  return (units * size) / EM;
}

/** `text` as an SVG group of outlines, its baseline at (x, y). */
export function svgText(text: string, x: number, y: number, options: TextOptions): string {
  const { size, anchor = 'start', fill = '#000', rotate = 0 } = options;
  const width = textWidth(text, size);
  const shift = anchor === 'start' ? 0 : anchor === 'middle' ? -width / 2 : -width;
  const scale = size / EM;
  let at = 0;
  let outlines = '';
  for (const character of text) {
    const [advance, outline] = glyphOf(character);
    if (outline) outlines += `<path transform="translate(${at} 0)" d="${outline}"/>`;
    at += advance;
  }
  const turn = rotate ? ` rotate(${rotate})` : '';
  return `<g fill="${fill}" transform="translate(${round(x)} ${round(y)})${turn} translate(${round(shift)} 0) scale(${scale})">${outlines}</g>`;
}

function glyphOf(character: string): readonly [number, string] {
  return GLYPHS[character] ?? [GLYPHS[' '][0], ''];
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
