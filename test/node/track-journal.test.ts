/** The journal of a track: what was put in comes back, also after a crash in the middle of a record. */
import { appendFileSync, existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SolverMemory } from '../../src/fit/video/frame-solver.ts';
import { lighter, TrackJournal } from '../../src/node/track-journal.ts';
import { temporaryFolder } from '../cli/helpers.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';
import { makeTinyTrack } from '../helpers/tiny-track.ts';

const made = makeTinyTrack(makeTinyHead(), 6);
const skin = { width: 2, height: 1, channels: 3, data: Float32Array.of(0.1, -0.2, 1e-30, 0, -0, 3) };
const detectorBias = {
  offsets: Float32Array.of(0.01, -0.02),
  lids: Float32Array.of(0.07, 0.06),
  lidsOverTime: Float32Array.of(0.4, 0.07, 0.06, 0.8, 1 / 3, 0.05),
};
const track = { ...made, identity: { ...made.identity, skin, known: { distance: 0.7 }, detectorBias } };
const png = Uint8Array.of(137, 80, 78, 71, 0, 255);
const evidence = (index: number) => ({
  index,
  information: Float32Array.of(index, 2.5, -1e-3),
  gradient: Float32Array.of(0.1 * index),
});

/** Irregular float64 that float32 does not hold. */
const memory = (index: number, before = true): SolverMemory => {
  const state = (phase: number) => ({
    time: index / 30,
    state: {
      identity: new Float64Array(0),
      texture: new Float64Array(0),
      expression: Float64Array.from({ length: 5 }, (_, i) => Math.sin(i + phase)),
      pose: Float64Array.of(phase / 3, -0, 1e-300),
      light: Float64Array.from({ length: 27 }, (_, i) => Math.cos(i + phase)),
      camera: track.frames[0].camera,
    },
  });
  const crop = { origin: [-1 / 3, 7.1] as const, scale: 0.3, size: 96 };
  return { last: state(index), before: before ? state(index - 1) : null, crop };
};

function written(): string {
  const file = path.join(temporaryFolder(), 'deep', 'journal');
  const journal = TrackJournal.begin(file, 'key', track.identity, true);
  journal.keepTexture(png);
  for (const frame of track.frames) {
    if (frame.status !== 'lost') journal.put(evidence(frame.index));
    journal.append(frame);
  }
  journal.close();
  return file;
}

describe('TrackJournal', () => {
  it('gives back identity, texture, frames and evidence to the bit', () => {
    const { journal, identity, texturePng } = TrackJournal.resume(written(), 'key')!;
    expect(identity).toEqual(track.identity);
    expect(texturePng).toEqual(png);
    expect(journal.frames()).toEqual(track.frames.map(lighter));
    for (const frame of track.frames) {
      expect(journal.frame(frame.index)).toEqual(frame);
      expect(journal.get(frame.index)).toEqual(frame.status === 'lost' ? null : evidence(frame.index));
    }
    expect(journal.frame(4)).toBeNull();
    journal.close();
  });

  it('gives back what the next frame starts from, to the bit, and leaves out frames at the end that show no face', () => {
    const file = written();
    const resumed = () => TrackJournal.resume(file, 'key')!.journal;
    const journal = resumed();
    expect(journal.resumePoint()).toEqual({ frame: track.frames[5], solver: null });
    const more = (index: number) => ({ ...track.frames[5], index });
    const none = { ...track.frames[4], index: 102 };
    journal.remember(memory(100, false));
    journal.append(more(100));
    expect(journal.resumePoint()).toEqual({ frame: more(100), solver: memory(100, false) });
    journal.remember(memory(101));
    journal.append(more(101));
    journal.append(none);
    journal.close();
    const again = resumed();
    expect(again.resumePoint()).toEqual({ frame: more(101), solver: memory(101) });
    expect(again.frames().at(-1)).toEqual(lighter(more(101)));
    // Looked at again, a frame takes the place of its earlier record.
    again.append(none);
    again.remember(memory(103));
    again.append(more(103));
    again.close();
    const third = resumed();
    expect(third.frames().slice(-3)).toEqual([more(101), none, more(103)].map(lighter));
    expect(third.resumePoint()).toEqual({ frame: more(103), solver: memory(103) });
    third.close();
    const empty = TrackJournal.begin(path.join(temporaryFolder(), 'empty'), 'key', track.identity);
    expect(empty.resumePoint()).toBeNull();
    empty.close();
  });

  // Frames are tracked before the texture is there; who was in the video is not known without.
  it('that ends before its texture came is not gone on from', () => {
    const file = path.join(temporaryFolder(), 'j');
    const journal = TrackJournal.begin(file, 'key', track.identity, true);
    journal.append(track.frames[0]);
    const told: string[] = [];
    expect(TrackJournal.resume(file, 'key', (line) => told.push(line))).toBeNull();
    expect(told).toEqual([expect.stringMatching(/before it had the texture/)]);
    journal.keepTexture(png);
    journal.append(track.frames[1]);
    journal.close();
    const resumed = TrackJournal.resume(file, 'key')!;
    expect(resumed.texturePng).toEqual(png);
    expect(resumed.journal.frames()).toEqual(track.frames.slice(0, 2).map(lighter));
    resumed.journal.close();
  });

  it('a torn last record is cut off, wherever it was torn, and the next one follows the whole ones', () => {
    const whole = readFileSync(written());
    const sizes = track.frames.map((_, n) => {
      const file = path.join(temporaryFolder(), 'j');
      const journal = TrackJournal.begin(file, 'key', track.identity, true);
      journal.keepTexture(png);
      for (const frame of track.frames.slice(0, n)) {
        if (frame.status !== 'lost') journal.put(evidence(frame.index));
        journal.append(frame);
      }
      journal.close();
      return statSync(file).size;
    });
    for (const cut of [1, 3, 7, 9, 100, sizes[4] - sizes[3] - 1]) {
      const file = path.join(temporaryFolder(), 'torn');
      writeFileSync(file, whole);
      truncateSync(file, sizes[3] + cut);
      const { journal } = TrackJournal.resume(file, 'key')!;
      expect(journal.length).toBe(3);
      for (const frame of track.frames.slice(3)) {
        if (frame.status !== 'lost') journal.put(evidence(frame.index));
        journal.append(frame);
      }
      journal.close();
      expect(readFileSync(file).equals(whole)).toBe(true);
    }
  });

  it('is not taken for another video, head, option or version, nor another file for it', () => {
    const file = written();
    const told: string[] = [];
    const note = (why: string) => told.push(why);
    expect(TrackJournal.resume(file, 'other key', note)).toBeNull();
    const older = path.join(temporaryFolder(), 'older');
    const text = readFileSync(file, 'latin1').replace(/photofit \S+ track/, 'photofit 0.0.0 track');
    writeFileSync(older, text, 'latin1');
    expect(TrackJournal.resume(older, 'key', note)).toBeNull();
    expect(TrackJournal.resume(`${file}-none`, 'key', note)).toBeNull();
    expect(told).toEqual([
      'an earlier run of another video, head or option is not gone on from; beginning anew',
      'an earlier run of another version of photofit is not gone on from; beginning anew',
    ]);
    const other = path.join(temporaryFolder(), 'other');
    writeFileSync(other, 'no journal');
    expect(TrackJournal.resume(other, 'key')).toBeNull();
    appendFileSync(other, '\n{}\n');
    expect(TrackJournal.resume(other, 'key')).toBeNull();
  });

  it('is gone once removed', () => {
    const file = written();
    TrackJournal.resume(file, 'key')!.journal.remove();
    expect(existsSync(file)).toBe(false);
  });
});
