/** Plots: text has outlines, the curve is drawn where the axes say. */
import { describe, expect, it } from 'vitest';
import { curvePanelsSvg } from '../../src/render/plot/curve-panels.ts';
import { energyPlotSvg } from '../../src/render/plot/energy-plot.ts';
import { linePlotSvg } from '../../src/render/plot/line-plot.ts';
import { svgText, textWidth } from '../../src/render/plot/text.ts';

const curve = [
  { stage: 'landmarks', iteration: 0, energy: 1000 },
  { stage: 'landmarks', iteration: 1, energy: 100 },
  { stage: 'photometric 56', iteration: 0, energy: 10 },
  { stage: 'photometric 56', iteration: 1, energy: 1 },
];

/** Points of every polyline, as [x, y] pairs. */
function lines(svg: string): number[][][] {
  return [...svg.matchAll(/<polyline points="([^"]*)"/g)].map((match) =>
    match[1].split(' ').map((point) => point.split(',').map(Number)),
  );
}

describe('energy plot', () => {
  it('draws one line per stage, left to right and downwards as energy falls', () => {
    const [landmarks, photometric] = lines(energyPlotSvg(curve));
    expect(landmarks).toHaveLength(2);
    expect(photometric).toHaveLength(2);
    const all = [...landmarks, ...photometric];
    for (let i = 1; i < all.length; i++) {
      expect(all[i][0]).toBeGreaterThan(all[i - 1][0]);
      expect(all[i][1]).toBeGreaterThan(all[i - 1][1]);
    }
  });

  it('places decades evenly: the axis is logarithmic', () => {
    const points = lines(energyPlotSvg(curve)).flat();
    const step = points[1][1] - points[0][1];
    expect(points[2][1] - points[1][1]).toBeCloseTo(step, 0);
    expect(points[3][1] - points[2][1]).toBeCloseTo(step, 0);
  });

  it('starts a new line when a stage of the same name starts again', () => {
    const again = [...curve.slice(0, 2), ...curve.slice(0, 2)];
    expect(lines(energyPlotSvg(again))).toHaveLength(2);
  });

  it.each([
    { what: 'empty', samples: [] },
    { what: 'one point', samples: curve.slice(0, 1) },
    {
      what: 'zero and not finite',
      samples: [0, Number.NaN, 5].map((energy, i) => ({ stage: 'a', iteration: i, energy })),
    },
  ])('survives a curve that is $what', ({ samples }) => {
    expect(/NaN|Infinity|undefined/.exec(energyPlotSvg(samples))).toBeNull();
  });

  it('needs no fonts: there is no <text>', () => {
    expect(energyPlotSvg(curve, { title: 'a title' }).includes('<text')).toBe(false);
  });
});

describe('line plot', () => {
  it('draws each line by its own points, without those a logarithm has no place for', () => {
    const svg = linePlotSvg([
      {
        name: 'loss',
        colour: '#000',
        points: [
          [0, 100],
          [1, 10],
          [2, 0],
          [3, 1],
        ],
      },
      { name: 'none', colour: '#111', points: [] },
    ]);
    const [loss, ...others] = lines(svg);
    expect(others).toEqual([]);
    expect(loss).toHaveLength(3);
    expect(loss[1][1] - loss[0][1]).toBeCloseTo(loss[2][1] - loss[1][1], 0);
    expect(loss[2][0] - loss[1][0]).toBeCloseTo(2 * (loss[1][0] - loss[0][0]), 0);
  });
});

describe('curve panels', () => {
  const panel = (ys: number[]) => ({
    title: 'a',
    xLabel: 'x',
    yLabel: 'y',
    lines: [{ x: ys.map((_, i) => i), y: ys, series: 0 }],
  });

  it('draws each panel in its own place, linear from zero', () => {
    const [left, right] = lines(curvePanelsSvg([panel([1, 2, 3]), panel([3, Number.NaN, 1])], ['one']));
    expect(left[0][1] - left[1][1]).toBeCloseTo(left[1][1] - left[2][1], 0);
    expect(right).toHaveLength(2);
    expect(right[0][0] - left[0][0]).toBeCloseTo(420);
    expect(right[1][1]).toBeGreaterThan(right[0][1]);
  });

  it.each([[[]], [[Number.NaN]], [[7]], [[-1e20]]])('survives a line of %j', (ys) => {
    expect(/NaN|Infinity|undefined/.exec(curvePanelsSvg([panel(ys)], ['one']))).toBeNull();
  });
});

describe('text as outlines', () => {
  it('has the width of its letters and is anchored by it', () => {
    expect(textWidth('mm', 10)).toBeCloseTo(2 * textWidth('m', 10));
    expect(textWidth('m', 20)).toBeCloseTo(2 * textWidth('m', 10));
    const end = svgText('abc', 100, 0, { size: 10, anchor: 'end' });
    const shift = Number(/translate\((-[\d.]+) 0\) scale/.exec(end)?.[1]);
    expect(shift).toBeCloseTo(-textWidth('abc', 10), 1);
  });

  it('takes letters it has no outline for as spaces', () => {
    expect(textWidth('漢', 10)).toBe(textWidth(' ', 10));
  });
});
