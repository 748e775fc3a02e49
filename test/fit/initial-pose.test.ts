import { describe, expect, it } from 'vitest';
import type { Camera } from '../../src/camera/camera.ts';
import { createRandom } from '../../src/core/random.ts';
import { initialPose } from '../../src/fit/initial-pose.ts';
import { headYaw, landmarks68, projectTargets } from '../../src/fit/landmark-energy.ts';
import { neutralParams } from '../../src/model/head-model.ts';
import { poseHead } from '../../src/model/pose.ts';
import { multiply3, rotationFromAxisAngle } from '../../src/model/rotation.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const model = makeTinyHead();

function project(rotation: readonly number[], camera: Camera): Float32Array {
  const params = neutralParams(model);
  params.pose.set(rotation, 0);
  const { vertices } = poseHead(model, params);
  const points = landmarks68(model, headYaw(model, params.pose));
  const corners = Uint32Array.from(
    { length: 204 },
    (_, i) => model.faces[3 * points.faces[Math.floor(i / 3)] + (i % 3)],
  );
  const at = projectTargets({ corners, barycentrics: points.barycentrics }, vertices, camera);
  return Float32Array.from({ length: 136 }, (_, i) => at[3 * (i >> 1) + (i % 2)]);
}

/** Angle between two rotations in degrees. */
function angle(a: readonly number[], b: readonly number[]): number {
  const A = rotationFromAxisAngle(a[0], a[1], a[2]);
  const B = rotationFromAxisAngle(b[0], b[1], b[2]);
  const T = new Float64Array([A[0], A[3], A[6], A[1], A[4], A[7], A[2], A[5], A[8]]);
  const R = new Float64Array(9);
  multiply3(T, 0, B, 0, R, 0);
  return (180 / Math.PI) * Math.acos(Math.min(1, (R[0] + R[4] + R[8] - 1) / 2));
}

describe('initialPose', () => {
  const random = createRandom(3);
  const poses = Array.from({ length: 12 }, () => [
    0.4 * random.normal(),
    1.8 * (random.uniform() - 0.5),
    3 * (random.uniform() - 0.5),
  ]);
  it.each(poses.map((p) => p.map((x) => Math.round(100 * x) / 100)))(
    'recovers rotation and place for the pose (%f, %f, %f)',
    (...rotation) => {
      for (const camera of [
        { kind: 'perspective', focal: 700, principal: [130, 120], translation: [0.02, -0.03, -0.9] },
        { kind: 'orthographic', scale: 800, principal: [130, 120], translation: [0.02, -0.03, 0] },
      ] satisfies Camera[]) {
        const seen = project(rotation, camera);
        const got = initialPose(model, seen, {
          kind: camera.kind,
          principal: camera.principal,
          focal: camera.kind === 'perspective' ? camera.focal : null,
          distance: 0.9,
        });
        // A start for Levenberg-Marquardt: the affine camera and the damped depth cost some degrees.
        expect(angle(got.rotation, rotation)).toBeLessThan(25);
        const again = project(got.rotation, got.camera);
        let error = 0;
        for (let l = 34; l < 136; l += 2)
          error += Math.hypot(again[l] - seen[l], again[l + 1] - seen[l + 1]) / 51;
        expect(error).toBeLessThan(8);
      }
    },
  );
});
