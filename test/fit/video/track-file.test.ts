/** Tracks as files and back; curves for other programs. */
import { describe, expect, it } from 'vitest';
import { FormatError, PhotofitError } from '../../../src/core/errors.ts';
import { setExpressions } from '../../../src/fit/expression-names.ts';
import { arkitCsv, arkitCurves, arkitJson } from '../../../src/fit/video/arkit-curves.ts';
import {
  parseTrackArrays,
  parseTrackFile,
  type TrackFileExtra,
  toTrackFile,
  trackArrays,
  trackFileText,
} from '../../../src/fit/video/track-file.ts';
import type { VideoTrack } from '../../../src/fit/video/types.ts';
import { npyArray } from '../../../src/io/npy.ts';
import { readNpz, writeNpz } from '../../../src/io/npz.ts';
import { ARKIT_NAMES } from '../../../src/model/arkit.ts';
import { neutralParams } from '../../../src/model/head-model.ts';
import { loadHeadModel } from '../../../src/node/models.ts';
import { makeTinyHead } from '../../helpers/tiny-head.ts';
import { makeTinyTrack } from '../../helpers/tiny-track.ts';

const model = makeTinyHead();
const track = makeTinyTrack(model, 7);
const extra: TrackFileExtra = {
  version: '1.2.3',
  path: 'talk.mp4',
  rate: 12.5,
  range: { start: 0.1 },
  complete: false,
  smoothed: true,
  warnings: ['the video breaks off'],
};

/** What files keep: all but what perception saw; times to the microsecond, translations as float32. */
function kept(t: VideoTrack) {
  return {
    ...t,
    identity: { ...t.identity, camera: rounded(t.identity.camera) },
    frames: t.frames.map((f) => ({
      ...f,
      time: Math.round(1e6 * f.time) / 1e6,
      observation: null,
      camera: rounded(f.camera),
      landmarkNme: Math.fround(f.landmarkNme),
      skinL1: Math.fround(f.skinL1),
      confidence: Math.fround(f.confidence),
    })),
  };
}

function rounded<C extends object>(camera: C): C {
  return JSON.parse(JSON.stringify(camera), (_, v) => (typeof v === 'number' ? Math.fround(v) : v));
}

/** The numbers of a track with floats as float32, so that both sides compare exactly. */
function plain(t: VideoTrack) {
  return JSON.parse(
    JSON.stringify(kept(t), (_, v) => (v instanceof Float32Array ? Array.from(v) : v)),
    (_, v) => (typeof v === 'number' ? Math.fround(v) : v),
  );
}

describe('track.json', () => {
  const text = trackFileText(toTrackFile(track, model, extra));

  it('gives back the track', () => {
    const { track: back, metadata } = parseTrackFile(text);
    expect(plain(back)).toEqual(plain(track));
    expect(metadata).toMatchObject({
      complete: false,
      smoothed: true,
      input: { path: 'talk.mp4', width: 1024, height: 768, rate: 12.5, start: 0.1, end: null },
      summary: { frames: 7, tracked: 4, acquired: 2, lost: 1, cuts: 1 },
    });
    expect(Number.isNaN(back.frames[4].landmarkNme)).toBe(true);
  });

  it('keeps what was said about camera and size', () => {
    const known = { focal: 913.5, ipd: 0.063 };
    const said = { ...track, identity: { ...track.identity, known } };
    const back = parseTrackFile(trackFileText(toTrackFile(said, model, extra)));
    expect(back.metadata.input.known).toEqual(known);
    expect(back.track.identity.known).toEqual(known);
    const stored = parseTrackArrays(readNpz(writeNpz(trackArrays(said, model, extra))));
    expect(stored.track.identity.known).toEqual(known);
    expect(parseTrackFile(text).track.identity.known).toBeUndefined();
  });

  it('has a line per frame', () => {
    expect(text.split('\n').filter((line) => line.startsWith('  {"index"'))).toHaveLength(7);
  });

  it('refuses what is no track', () => {
    expect(() => parseTrackFile('{', 'a/track.json')).toThrow(/a\/track\.json: is no JSON/);
    expect(() => parseTrackFile('{"format":"fit/1"}')).toThrow(/format is "fit\/1"/);
    expect(() => parseTrackFile(text.replace('"tracked"', '"trucked"'))).toThrow(FormatError);
    const bad = { ...track, frames: [{ ...track.frames[0], confidence: Number.NaN }] };
    expect(() => toTrackFile(bad, model, extra)).toThrow(PhotofitError);
  });
});

describe('track.npz', () => {
  const bytes = writeNpz(trackArrays(track, model, extra));

  it('gives back the same track as track.json', () => {
    const { track: back, metadata } = parseTrackArrays(readNpz(bytes));
    expect(plain(back)).toEqual(plain(track));
    expect(metadata).toEqual(parseTrackFile(trackFileText(toTrackFile(track, model, extra))).metadata);
    expect(readNpz(bytes).get('landmarks')!.shape).toEqual([7, 68, 2]);
  });

  it('refuses arrays that do not go together', () => {
    const arrays = trackArrays(track, model, extra);
    const npz = (more: object) => readNpz(writeNpz({ ...arrays, ...more }));
    for (const key of ['expression', 'pose', 'translation', 'light', 'confidence', 'time']) {
      const { data, shape } = arrays[key];
      const bad = data.slice() as Float32Array;
      bad[bad.length - 1] = key === 'time' ? Infinity : Number.NaN;
      expect(() => parseTrackArrays(npz({ [key]: npyArray(bad, shape) }), 'x.npz')).toThrow(
        new RegExp(`^x\\.npz: array "${key}" has (NaN|Infinity) at item ${bad.length - 1}`),
      );
    }
    expect(() => parseTrackArrays(npz({ pose: arrays['light'] }), 'x.npz')).toThrow(
      /x\.npz: array "pose" is \(7,9,3\), must be \(7,/,
    );
    const { time: _, ...rest } = arrays;
    expect(() => parseTrackArrays(readNpz(writeNpz(rest)), 'x.npz')).toThrow(/array "time" is missing/);
  });
});

describe('ARKit curves', () => {
  it('give back the weights a head was set to', async () => {
    const head = await loadHeadModel('open-head');
    const set: [string, number][] = [
      ['mouthSmileLeft', 0.75],
      ['browInnerUp', 0.5],
      ['eyeBlinkRight', 1],
      ['eyeLookOutLeft', 0.4],
      ['eyeLookDownRight', 0.2],
      ['jawOpen', 0.3],
    ];
    const params = setExpressions(head, neutralParams(head), set);
    const still = neutralParams(head);
    const curves = arkitCurves(head, [
      { index: 10, time: 0.4, ...still },
      { index: 11, time: 0.44, ...params },
    ]);
    expect(curves.names.every((name) => (ARKIT_NAMES as readonly string[]).includes(name))).toBe(true);
    expect(curves.weights[0].every((w) => w === 0)).toBe(true);
    const weights = Object.fromEntries(curves.names.map((name, i) => [name, curves.weights[1][i]]));
    for (const [name, weight] of set) expect(weights[name], name).toBeCloseTo(weight, 3);
    expect(weights['mouthSmileRight']).toBe(0);
    expect(weights['eyeLookInLeft']).toBe(0);
    const [header, first, second] = arkitCsv(curves)
      .split('\n')
      .map((line) => line.split(','));
    expect(header).toEqual(['frame', 'time', ...curves.names]);
    expect(first.slice(0, 2)).toEqual(['10', '0.4']);
    expect(Number(second[header.indexOf('mouthSmileLeft')])).toBeCloseTo(0.75, 3);
    const json = JSON.parse(arkitJson(curves));
    expect(json.names).toEqual(curves.names);
    expect(json.frames[1]).toEqual({ frame: 11, time: 0.44, weights: curves.weights[1] });
  });
});
