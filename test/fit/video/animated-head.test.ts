/** A motion as a GLB animation: what a viewer shows at each key is the head that the track has there. */
import { type Node, WebIO } from '@gltf-transform/core';
import { validateBytes } from 'gltf-validator';
import { describe, expect, it } from 'vitest';
import { animatedHeadMesh } from '../../../src/fit/video/animated-head.ts';
import { personalModel } from '../../../src/fit/video/personal-model.ts';
import type { VideoTrack } from '../../../src/fit/video/types.ts';
import { splitAtSeams, writeGlb } from '../../../src/io/glb.ts';
import { encodePng } from '../../../src/io/png.ts';
import type { HeadModel } from '../../../src/model/head-model.ts';
import { poseHead } from '../../../src/model/pose.ts';
import { shownVertices } from '../../helpers/shown-vertices.ts';
import { makeTinyHead } from '../../helpers/tiny-head.ts';
import { makeTinyTrack } from '../../helpers/tiny-track.ts';

const texturePng = encodePng({ width: 2, height: 2, data: new Uint8ClampedArray(16).fill(255) });

/** Vertices (n,3) that a viewer shows at key `i` of the file's first animation. */
async function viewed(glb: Uint8Array, i: number): Promise<Float64Array> {
  const root = (await new WebIO().readBinary(glb)).getRoot();
  const node = root.listNodes().find((n) => n.getMesh())!;
  const mesh = node.getMesh()!;
  const [animation] = root.listAnimations();
  let weights = mesh.getWeights();
  for (const channel of animation.listChannels()) {
    const target = channel.getTargetNode() as Node;
    const values = channel.getSampler()!.getOutput()!.getArray()!;
    const count = channel.getSampler()!.getInput()!.getCount();
    const width = values.length / count;
    const key = Array.from(values as Float32Array).slice(width * i, width * (i + 1));
    if (channel.getTargetPath() === 'weights') weights = key;
    else if (channel.getTargetPath() === 'rotation')
      target.setRotation(key as [number, number, number, number]);
    else target.setTranslation(key as [number, number, number]);
  }
  return shownVertices(node, weights);
}

/** Largest distance, metres, of what is shown at key `i` from the track's own head there. */
async function error(model: HeadModel, track: VideoTrack, glb: Uint8Array, i: number): Promise<number> {
  const frame = track.frames[i];
  const first = track.frames.find((f) => f.status !== 'lost')!;
  const { vertices } = poseHead(model, { identity: track.identity.identity, ...frame });
  const seen = await viewed(glb, i);
  let most = 0;
  splitAtSeams(model).vertices.forEach((v, n) => {
    for (let a = 0; a < 3; a++) {
      const moved = frame.camera.translation[a] - first.camera.translation[a];
      most = Math.max(most, Math.abs(seen[3 * n + a] - vertices[3 * v + a] - moved));
    }
  });
  return most;
}

describe('animatedHeadMesh', () => {
  const model = makeTinyHead();
  const track = makeTinyTrack(model, 7);
  const mesh = animatedHeadMesh(personalModel(model, track.identity), track, { texturePng });

  it('shows at every key the head of that frame', async () => {
    const glb = writeGlb(mesh);
    for (const i of [0, 1, 3, 6]) {
      // A tenth of a millimetre: float32, displacements under a micrometre dropped, correctives in few morphs.
      expect(await error(model, track, glb, i)).toBeLessThan(1e-4);
    }
  });

  it('is valid glTF, with the times of the video from 0', async () => {
    const glb = writeGlb(mesh);
    const { issues, info } = await validateBytes(glb, { maxIssues: 0 });
    expect(issues.messages).toEqual([]);
    expect(info).toMatchObject({ animationCount: 1, hasMorphTargets: true, hasSkins: true });
    const [animation] = (await new WebIO().readBinary(glb)).getRoot().listAnimations();
    expect(animation.getName()).toBe('video');
    const times = animation.listSamplers()[0].getInput()!.getArray()!;
    track.frames.forEach((frame, i) => {
      expect(times[i]).toBeCloseTo(frame.time - track.frames[0].time, 5);
    });
  });

  it('one frame is a motion too; the file starts in it', async () => {
    const one = { ...track, frames: track.frames.slice(2, 3) };
    const glb = writeGlb(animatedHeadMesh(personalModel(model, track.identity), one, { texturePng }));
    expect((await validateBytes(glb, { maxIssues: 0 })).issues.messages).toEqual([]);
    expect(await error(model, one, glb, 0)).toBeLessThan(1e-4);
  });

  it('refuses motions that do not fit the mesh', () => {
    const motion = mesh.motion!;
    expect(() => writeGlb({ ...mesh, motion: { ...motion, weights: motion.weights.subarray(1) } })).toThrow(
      /motion 'video': weights has \d+ numbers/,
    );
    const times = motion.times.slice().fill(1);
    expect(() => writeGlb({ ...mesh, motion: { ...motion, times } })).toThrow(/times must ascend/);
    const rotations = motion.rotations.slice().fill(Number.NaN, 3, 4);
    expect(() => writeGlb({ ...mesh, motion: { ...motion, rotations } })).toThrow(/not finite/);
  });
});
