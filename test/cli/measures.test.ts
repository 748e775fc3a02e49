import { describe, expect, it } from 'vitest';
import { checkMeasures } from '../../src/cli/measures.ts';
import { fileOf } from '../../src/cli/photo-job.ts';
import type { DecodedPhoto } from '../../src/core/photo.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const model = makeTinyHead();
/** A file of 6000 × 4000 that is fitted at a third of that. */
const decoded = { originalWidth: 6000, originalHeight: 4000, scale: 1 / 3 } as DecodedPhoto;

describe('what is said of camera and size', () => {
  it('is told in the options and the pixels of whoever typed it', () => {
    const check = (typed: Parameters<typeof checkMeasures>[0]) =>
      checkMeasures(typed, fileOf(decoded), model);
    // A fifth of the diagonal, 7211 pixels, is the least: 600 would do for the picture that is fitted.
    expect(() => check({ focal: 600 })).toThrow(
      '--focal 600: must be 1443…721110 pixels, since the photo is 6000 × 4000',
    );
    expect(() => check({ focal: 1500, principalPoint: [-60000, 44000] })).not.toThrow();
    expect(() => check({ principalPoint: [0, 44001] })).toThrow(
      '--principal-point 0,44001: y: must be -40000…44000 pixels, since the photo is 6000 × 4000',
    );
  });

  it('needs a head with eyes for their distance', () => {
    const blind = { ...model, joints: model.joints.map((joint) => ({ ...joint, name: `no_${joint.name}` })) };
    const picture = { width: 10, height: 10, name: 'a frame' };
    expect(() => checkMeasures({ ipd: 63 }, picture, blind)).toThrow(
      /^--ipd needs a model with the joints left_eye/,
    );
    expect(() => checkMeasures({ ipd: 63 }, picture, model)).not.toThrow();
  });
});
