/** The journal of a track: what was put in comes back, also after a crash in the middle of a record. */
import { appendFileSync, existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { lighter, TrackJournal } from '../../src/node/track-journal.ts';
import { temporaryFolder } from '../cli/helpers.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';
import { makeTinyTrack } from '../helpers/tiny-track.ts';

const track = makeTinyTrack(makeTinyHead(), 6);
const png = Uint8Array.of(137, 80, 78, 71, 0, 255);
const evidence = (index: number) => ({
  index,
  information: Float32Array.of(index, 2.5, -1e-3),
  gradient: Float32Array.of(0.1 * index),
});

function written(): string {
  const file = path.join(temporaryFolder(), 'deep', 'journal');
  const journal = TrackJournal.begin(file, 'key', track.identity, png);
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

  it('a torn last record is cut off, wherever it was torn, and the next one follows the whole ones', () => {
    const whole = readFileSync(written());
    const sizes = track.frames.map((_, n) => {
      const file = path.join(temporaryFolder(), 'j');
      const journal = TrackJournal.begin(file, 'key', track.identity, png);
      for (const frame of track.frames.slice(0, n)) {
        if (frame.status !== 'lost') journal.put(evidence(frame.index));
        journal.append(frame);
      }
      journal.close();
      return statSync(file).size;
    });
    for (const cut of [1, 3, 7, 9, 100, whole.length - sizes[5] - 1]) {
      const file = path.join(temporaryFolder(), 'torn');
      writeFileSync(file, whole);
      truncateSync(file, sizes[5] + cut);
      const { journal } = TrackJournal.resume(file, 'key')!;
      expect(journal.length).toBe(5);
      journal.put(evidence(track.frames[5].index));
      journal.append(track.frames[5]);
      journal.close();
      expect(readFileSync(file).equals(whole)).toBe(true);
    }
  });

  it('is not taken for another video, head or option, nor another file for it', () => {
    const file = written();
    expect(TrackJournal.resume(file, 'other key')).toBeNull();
    expect(TrackJournal.resume(`${file}-none`, 'key')).toBeNull();
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
