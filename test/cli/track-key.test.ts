/** What a rerun of `photofit track` must have in common with the run whose journal it goes on from. */
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { keyOf, type TrackRunOptions } from '../../src/cli/track-run.ts';
import type { HeadModel } from '../../src/model/head-model.ts';
import { type LoadedFit, loadFit } from '../../src/node/load-fit.ts';
import { loadHeadModel } from '../../src/node/models.ts';
import { makeHeadFit, writeHeadFit } from '../helpers/open-head-fit.ts';
import { lastingFolder } from './helpers.ts';

let model: HeadModel;
let fit: LoadedFit;
beforeAll(async () => {
  model = await loadHeadModel('open-head');
  fit = await loadFit(writeHeadFit(path.join(lastingFolder(), 'me'), makeHeadFit(model), model));
});

describe('the key of a journal', () => {
  const options: TrackRunOptions = { face: 'largest', smooth: true, offset: true, resume: true };
  const key = (from: LoadedFit | null, changes: Partial<TrackRunOptions> = {}) =>
    keyOf({ video: 'package.json', options: { ...options, ...changes } }, model, from);

  it('is the same for the same, and does not tell what tracking does not depend on', async () => {
    expect(await key(fit)).toBe(await key({ ...fit, folder: 'elsewhere' }));
    expect(await key(null)).toBe(await key(null, { smooth: false }));
    expect(await key(null)).not.toBe(await key(null, { face: 2 }));
  });

  // A rerun after a fit had changed in its tint alone wore the texture of the one before.
  it('tells all that a track takes from a fit: shape, texture, tint, and the texture beside it', async () => {
    const { params } = fit.fit;
    const tint = Float32Array.from({ length: 48 }, (_, i) => 0.01 * i);
    const as = (changes: Partial<typeof params>): LoadedFit => ({
      ...fit,
      fit: { ...fit.fit, params: { ...params, ...changes } },
    });
    const png = Uint8Array.of(1, 2, 3);
    const fits: LoadedFit[] = [
      as({ identity: params.identity.map((x) => x + 1e-3) }),
      as({ texture: params.texture.map((x) => x + 1e-3) }),
      as({ tint }),
      as({ tint: tint.map((x) => -x) }),
      { ...fit, texture: { png } as LoadedFit['texture'] },
      { ...fit, texture: { png: png.map((x) => x + 1) } as LoadedFit['texture'] },
    ];
    const keys = await Promise.all([null, fit, ...fits].map((from) => key(from)));
    expect(new Set(keys).size).toBe(keys.length);
  });
});
