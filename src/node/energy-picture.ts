/** The energy curve of a fit as a PNG file. */
import sharp from 'sharp';
import type { EnergyPoint } from '../fit/types.ts';
import { energyPlotSvg } from '../render/plot/energy-plot.ts';

/** Draws `curve`; `title` stands above it. */
export async function energyPng(curve: readonly EnergyPoint[], title: string): Promise<Uint8Array> {
  const svg = energyPlotSvg(curve, { title });
  // A palette keeps it small: the plot has few colours.
  return sharp(Buffer.from(svg)).flatten({ background: '#fff' }).png({ palette: true }).toBuffer();
}
