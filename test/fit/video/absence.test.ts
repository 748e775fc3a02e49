/** How often a film is searched while the face is away, counted; how soon it is found again. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Image8 } from '../../../src/core/image.ts';
import { createRandom } from '../../../src/core/random.ts';
import type { VideoFrame, VideoSource } from '../../../src/core/video.ts';
import { blocksOf, hasNews } from '../../../src/fit/video/scene.ts';
import { type WatchResume, watchVideo } from '../../../src/fit/video/watch-video.ts';
import { createKernels, type Kernels } from '../../../src/kernels/runtime.ts';
import type { HeadModel } from '../../../src/model/head-model.ts';
import { readHeadPack } from '../../../src/model/pack.ts';
import type { FaceObservation, FacePerception } from '../../../src/perceive/types.ts';
import { filmTalkingHead, type TalkingHead, trueLandmarks } from '../../helpers/filmed-head.ts';

const FPS = 25;
/** Frames in the first half second of an absence. */
const FIRST = 13;
/** First frame without the face. */
const GONE = 6;

let model: HeadModel;
let kernels: Kernels;
beforeAll(async () => {
  model = await readHeadPack(new Uint8Array(readFileSync('models/open-head.head')));
  kernels = await createKernels();
});

function film(away: number): TalkingHead {
  const occlusion = [GONE, away] as const;
  return filmTalkingHead(kernels, model, { frames: GONE + away + 8, fps: FPS, size: 64, seed: 3, occlusion });
}

interface Watched {
  /** Frames in which the face was seen. */
  readonly seen: number[];
  /** Frames that were searched. */
  readonly searched: number[];
}

async function watched(
  source: VideoSource,
  perception: FacePerception,
  indexOf: (image: Image8) => number,
  resume?: WatchResume,
): Promise<Watched> {
  const [seen, searched]: number[][] = [[], []];
  const counting: FacePerception = {
    ...perception,
    detect: (image) => {
      searched.push(indexOf(image));
      return perception.detect(image);
    },
  };
  const options = { perception: counting, face: 'largest', recognise: () => null, resume } as const;
  for await (const { frame, sighting } of watchVideo(source, { ...options, recognise: ([face]) => face }))
    if (sighting) seen.push(frame.index);
  return { seen, searched };
}

describe('a film with the face away', () => {
  it('for 30 frames is searched in the first half second and then now and then; the face is seen in all others', async () => {
    const filmed = film(30);
    const { seen, searched } = await watched(filmed.source, trueLandmarks(model, filmed), filmed.indexOf);
    expect(seen).toEqual(Array.from({ length: 44 }, (_, i) => i).filter((i) => !filmed.hidden(i)));
    const away = searched.filter((i) => filmed.hidden(i)).map((i) => i - GONE);
    expect(away.slice(0, FIRST)).toEqual(Array.from({ length: FIRST }, (_, i) => i));
    expect(away.slice(FIRST)).toEqual([16, 20, 24, 28]);
    expect(searched.filter((i) => !filmed.hidden(i))).toEqual([0, GONE + 30]);
  });

  it('however long is found again within 4 frames where it comes back in another place', async () => {
    for (let away = 0; away < 32; away++) {
      const filmed = film(away);
      const truth = trueLandmarks(model, filmed);
      const elsewhere: FacePerception = {
        ...truth,
        track: async (image, last) =>
          filmed.indexOf(image) < GONE + away || last.score === 0.5 ? truth.track!(image, last) : null,
        detect: async (image) => {
          const later = filmed.indexOf(image) >= GONE + away;
          return (await truth.detect(image)).map((face) => ({ ...face, score: later ? 0.5 : 1 }));
        },
      };
      const { seen } = await watched(filmed.source, elsewhere, filmed.indexOf);
      const late = seen.find((i) => i >= GONE)! - GONE - away;
      expect(late).toBeGreaterThanOrEqual(0);
      // The fourth frame at the latest; at once where it was away for half a second.
      expect(late).toBeLessThanOrEqual(away < FIRST ? 0 : 3);
    }
  });

  it('is gone on with from the last frame that showed it as if it had not stopped', async () => {
    const filmed = film(30);
    const perception = trueLandmarks(model, filmed);
    const whole = await watched(filmed.source, perception, filmed.indexOf);
    const image = (await pictures(filmed.source))[GONE - 1];
    const [observation] = await perception.detect(image);
    const resume = { index: GONE - 1, time: (GONE - 1) / FPS, observation, known: true };
    const rest = await watched(filmed.source, perception, filmed.indexOf, resume);
    expect(rest.seen).toEqual(whole.seen.filter((i) => i >= GONE));
    expect(rest.searched).toEqual(whole.searched.filter((i) => i >= GONE));
  });
});

async function pictures(source: VideoSource): Promise<Image8[]> {
  const images: Image8[] = [];
  for await (const { image } of source.frames()) images.push(image);
  return images;
}

/** A film of plain pictures, with noise; `grey` says which. */
function plain(
  count: number,
  grey: (i: number) => number,
  noise = 0,
): VideoSource & { indexOf: (image: Image8) => number } {
  const images = Array.from({ length: count }, (_, i): Image8 => {
    const data = new Uint8ClampedArray(4 * 256 * 256);
    for (let p = 0; p < data.length; p++) data[p] = grey(i) + noise * ((7919 * (p + 7 * i)) % 5);
    return { width: 256, height: 256, data };
  });
  return {
    ...{ width: 256, height: 256, duration: count / FPS, frameCount: count },
    async *frames(): AsyncIterable<VideoFrame> {
      for (const [index, image] of images.entries()) yield { index, time: index / FPS, image };
    },
    indexOf: (image) => images.indexOf(image),
  };
}

const nobody: FacePerception = { detect: async () => [], track: async () => null, dispose: () => {} };

describe('a film without a face', () => {
  it('is searched once a second after the first half where nothing changes, but for a codec’s noise', async () => {
    for (const noise of [0, 1]) {
      const still = plain(80, () => 90, noise);
      const { searched } = await watched(still, nobody, still.indexOf);
      expect(searched.slice(FIRST)).toEqual([FIRST + 24, FIRST + 49]);
    }
  });

  it('is searched at once where a shot begins', async () => {
    const cut = plain(40, (i) => (i < 30 ? 90 : 160));
    const { searched } = await watched(cut, nobody, cut.indexOf);
    expect(searched.slice(FIRST)).toEqual([30]);
  });

  it('is searched in every frame where other people are to be seen, or few frames come in a second', async () => {
    const still = plain(40, () => 90);
    const face = { box: { x: 1, y: 1, width: 9, height: 9 }, score: 1 } as FaceObservation;
    const strangers: FacePerception = { ...nobody, detect: async () => [face, face] };
    const searched: number[] = [];
    const perception: FacePerception = {
      ...strangers,
      detect: async (image) => {
        searched.push(still.indexOf(image));
        return strangers.detect(image);
      },
    };
    const resume = { index: 0, time: 0, observation: null, known: true };
    for await (const { sighting } of watchVideo(still, {
      ...{ perception, face: 'largest', resume },
      recognise: () => null,
    }))
      expect(sighting).toBeNull();
    expect(searched).toEqual(Array.from({ length: 39 }, (_, i) => i + 1));
    const slow = plain(40, (i) => 90 + (i % 2) * 9);
    const slower = {
      ...slow,
      async *frames(): AsyncIterable<VideoFrame> {
        for await (const frame of slow.frames()) yield { ...frame, time: frame.index / 5 };
      },
    };
    expect((await watched(slower, nobody, slow.indexOf)).searched).toHaveLength(40);
  });
});

describe('hasNews', () => {
  it('is where a small face is, however little it differs, and not where noise is', () => {
    const random = createRandom(7);
    const picture = (level: number, side: number, noise = 0): Image8 => {
      const data = new Uint8ClampedArray(4 * 512 * 512);
      for (let p = 0; p < data.length; p++) data[p] = 40.5 + noise * (random.uniform() - 0.5);
      for (let y = 100; y < 100 + side; y++)
        for (let p = 4 * (512 * y + 77); p < 4 * (512 * y + 77 + side); p++) data[p] += level;
      return { width: 512, height: 512, data };
    };
    const before = blocksOf(picture(0, 0));
    expect(hasNews(before, blocksOf(picture(10, 18)))).toBe(true);
    expect(hasNews(before, blocksOf(picture(3, 36)))).toBe(true);
    expect(hasNews(before, blocksOf(picture(2, 300)))).toBe(false);
    expect(hasNews(blocksOf(picture(0, 0, 20)), blocksOf(picture(0, 0, 20)))).toBe(false);
  });
});
