/**
 * A head with a whole motion, for GLB: the person's neutral head, the model's expressions as morph targets, and a key per
 * frame of weights, joint rotations and joint positions, so that a viewer shows each frame's head where the video has it.
 *
 * The camera stands still, where that of the first frame with a face stands; the root joint carries what the head moves
 * away from there. Joints whose place depends on the expression get their places as well: skinning then is that of
 * `pose.ts` to the bit of float32 sums. Pose correctives, which glTF has not, are summed up in a few morph targets: the
 * principal directions of the motion's own (R − I), uncentred; over a talking head one holds 99 % of it, since only the
 * jaw turns.
 */
import { withDefaults } from '../../core/defaults.ts';
import type { ExportJoint, ExportMorph, MeshExport } from '../../io/mesh-export.ts';
import { symmetricEigen } from '../../linalg/eigen.ts';
import { type HeadModel, headSizes } from '../../model/head-model.ts';
import { bindVertices, poseFeature, poseSkeleton, type Skeleton } from '../../model/pose.ts';
import { vertexNormals } from '../../render/normals.ts';
import { exportCamera, exportLight } from '../export-view.ts';
import { quaternion } from '../head-mesh.ts';
import { morphNormals } from '../morph-normals.ts';
import type { TrackedFrame, VideoTrack } from './types.ts';

/** Options of {@link animatedHeadMesh}. */
export interface AnimatedHeadOptions {
  /** Name of the object; the model's name unless given. */
  readonly name?: string;
  /** Name of the animation. */
  readonly motion?: string;
  /** PNG file of the skin, in the model's UV layout. */
  readonly texturePng?: Uint8Array | null;
  /** Morph targets for pose correctives, at most. */
  readonly correctives?: number;
}

/** Defaults of {@link AnimatedHeadOptions}. */
export const ANIMATED_HEAD_DEFAULTS = { motion: 'video', correctives: 3 } as const;

/** Share of the correctives' squares that may be left out. */
const LEFT_OUT = 1e-4;

/**
 * The head of `track` with its motion.
 * @param person the model with the track's identity in it, from `personalModel`
 */
export function animatedHeadMesh(
  person: HeadModel,
  track: VideoTrack,
  options: AnimatedHeadOptions = {},
): MeshExport {
  const { V, E, J } = headSizes(person);
  const { motion, correctives } = withDefaults(ANIMATED_HEAD_DEFAULTS, options);
  const { frames } = track;
  const first = frames.find((frame) => frame.status !== 'lost') ?? frames[0];
  const still = { identity: [], expression: [], pose: new Float32Array(3 * J) };
  const rest = poseSkeleton(person, still).rest;
  const neutral = bindVertices(person, still, poseSkeleton(person, still));
  const skeletons = frames.map((f) => poseSkeleton(person, { identity: [], ...f }));
  const own = person.expressionNames.map((name, e) => ({
    name,
    displacements: person.expressionBasis.subarray(3 * V * e, 3 * V * (e + 1)),
  }));
  const pose = poseTargets(person, skeletons, correctives);
  const targets = [...own, ...pose.targets];
  const M = targets.length;
  const weights = new Float32Array(frames.length * M);
  const rotations = new Float32Array(4 * frames.length * J);
  const translations = new Float32Array(3 * frames.length * J);
  frames.forEach((frame, i) => {
    weights.set(frame.expression, i * M);
    weights.set(pose.weights[i], i * M + E);
    for (let j = 0; j < J; j++) rotations.set(quaternion(frame.pose, 3 * j), 4 * (i * J + j));
    const moved = frame.camera.translation.map((x, a) => x - first.camera.translation[a]);
    translations.set(places(person, skeletons[i], rest, moved), 3 * i * J);
  });
  const at = frames.indexOf(first);
  const normals = vertexNormals(neutral, person.faces);
  const start = frames[0]?.time ?? 0;
  return {
    name: options.name ?? person.name,
    positions: neutral,
    normals,
    uvs: person.uvs,
    faces: person.faces,
    faceUvs: person.faceUvs,
    texturePng: options.texturePng ?? null,
    copyright: `Made with the head model ${person.name} (${person.license})`,
    skin: {
      joints: person.joints.map(({ name, parent }, j): ExportJoint => {
        const [x, y, z] = rest.subarray(3 * j, 3 * j + 3);
        return { name, parent, rest: [x, y, z], rotation: [...quaternion(first.pose, 3 * j)] };
      }),
      weights: person.skinWeights.slice(0, V * J),
    },
    morphs: targets.map(
      ({ name, displacements }, m): ExportMorph => ({
        name,
        displacements,
        normals: morphNormals(neutral, person.faces, normals, displacements),
        weight: weights[at * M + m],
      }),
    ),
    motion: {
      name: motion,
      // From 0: viewers begin there, whatever part of the video it is.
      times: Float32Array.from(frames, (f) => f.time - start),
      weights,
      rotations,
      translations,
    },
    camera: exportCamera(
      { camera: first.camera, image: track, light: first.light },
      depthRange(neutral, frames, first),
    ),
    extras: exportLight({ camera: first.camera, image: track, light: first.light }),
  };
}

/** (J,3) places of the joints from their parents', in the parents' axes, so that skinning by rest joints is the frame's. */
function places(
  person: HeadModel,
  { rotations, posed, rest: expressed }: Skeleton,
  rest: Float64Array,
  moved: readonly number[],
): Float64Array {
  const J = person.joints.length;
  // Where each joint node must stand: R(x − rest) + node = R(x − expressed) + posed.
  const node = new Float64Array(3 * J);
  for (let j = 0; j < J; j++)
    for (let a = 0; a < 3; a++) {
      let s = posed[3 * j + a] + moved[a];
      for (let b = 0; b < 3; b++)
        s -= rotations[9 * j + 3 * a + b] * (expressed[3 * j + b] - rest[3 * j + b]);
      node[3 * j + a] = s;
    }
  const local = new Float64Array(3 * J);
  person.joints.forEach(({ parent }, j) => {
    if (parent < 0) local.set(node.subarray(3 * j, 3 * j + 3), 3 * j);
    else
      for (let a = 0; a < 3; a++)
        for (let b = 0; b < 3; b++)
          local[3 * j + a] += rotations[9 * parent + 3 * b + a] * (node[3 * j + b] - node[3 * parent + b]);
  });
  return local;
}

/** Morph targets that stand for pose correctives, and their weights in every frame. */
function poseTargets(
  person: HeadModel,
  skeletons: readonly Skeleton[],
  most: number,
): { readonly targets: { name: string; displacements: Float32Array }[]; readonly weights: number[][] } {
  const { poseBasis } = person;
  if (!poseBasis) return { targets: [], weights: skeletons.map(() => []) };
  const features = skeletons.map(poseFeature);
  const C = features[0]?.length ?? 0;
  const moment = new Float64Array(C * C);
  for (const f of features)
    for (let a = 0; a < C; a++) for (let b = 0; b < C; b++) moment[a * C + b] += f[a] * f[b];
  const { values, vectors } = symmetricEigen(moment, C);
  const total = values.reduce((sum, x) => sum + Math.max(x, 0), 0);
  const directions: Float64Array[] = [];
  let left = total;
  for (let k = 0; k < Math.min(most, C); k++) {
    if (left <= LEFT_OUT * total) break;
    directions.push(Float64Array.from({ length: C }, (_, c) => vectors[k * C + c]));
    left -= values[k];
  }
  const n = person.template.length;
  const targets = directions.map((direction, k) => {
    const displacements = new Float32Array(n);
    for (let c = 0; c < C; c++)
      for (let i = 0; i < n; i++) displacements[i] += direction[c] * poseBasis[c * n + i];
    return { name: `poseCorrectives${k + 1}`, displacements };
  });
  const weights = features.map((f) => directions.map((d) => d.reduce((sum, x, c) => sum + x * f[c], 0)));
  return { targets, weights };
}

/** Least and largest z of the head over the motion, metres: turned it reaches no further than its radius. */
function depthRange(
  vertices: Float32Array,
  frames: VideoTrack['frames'],
  first: TrackedFrame,
): [number, number] {
  let radius = 0;
  for (const x of vertices) radius = Math.max(radius, Math.abs(x));
  const moved = frames.map((f) => f.camera.translation[2] - first.camera.translation[2]);
  return moved.reduce<[number, number]>(
    ([least, most], z) => [Math.min(least, z - radius), Math.max(most, z + radius)],
    [-radius, radius],
  );
}
