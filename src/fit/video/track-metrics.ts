/** How well a tracked frame lies on what perception saw. */
import { projectPoints } from '../../camera/project.ts';
import type { HeadModel } from '../../model/head-model.ts';
import { poseHead } from '../../model/pose.ts';
import { headYaw, landmarks68 } from '../landmark-energy.ts';
import type { TrackedFrame } from './types.ts';

/**
 * Mean distance of the 51 inner landmarks to the observed ones over the outer-eye-corner distance; NaN for a lost frame.
 * @param person the personal model.
 */
export function landmarkError(
  person: HeadModel,
  {
    expression,
    pose,
    camera,
    observation,
  }: Pick<TrackedFrame, 'expression' | 'pose' | 'camera' | 'observation'>,
): number {
  if (!observation) return Number.NaN;
  const { vertices } = poseHead(person, { identity: [], expression, pose });
  const { faces, barycentrics } = landmarks68(person, headYaw(person, pose));
  const points = new Float64Array(3 * 68);
  for (let l = 0; l < 68; l++)
    for (let k = 0; k < 3; k++)
      for (let a = 0; a < 3; a++)
        points[3 * l + a] += barycentrics[3 * l + k] * vertices[3 * person.faces[3 * faces[l] + k] + a];
  const projected = projectPoints(camera, points);
  const y = observation.landmarks68;
  let sum = 0;
  for (let l = 17; l < 68; l++)
    sum += Math.hypot(projected[3 * l] - y[2 * l], projected[3 * l + 1] - y[2 * l + 1]) / 51;
  return sum / Math.max(Math.hypot(y[72] - y[90], y[73] - y[91]), 1e-6);
}
