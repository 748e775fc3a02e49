/**
 * A fitted head as the mesh that the writers of `io` take. The mesh is the person's neutral head at rest; expression
 * comes as morph targets and pose as rotated joints, so that a viewer shows the photo's head and an animator can take
 * both away: the states `photo` and `neutral` do. Pose correctives, which no mesh format has, are one more morph target,
 * exact for the photo's pose and gone with it.
 *
 * To the model's own expressions come ARKit's blend shapes of other names or made by joints, see `model/arkit.ts`, so
 * that a face tracker of a phone can drive the head. Their weights start at zero.
 *
 * Morph targets bend the normals too. Measured on two fits with open-head, on the face: with the photo's normals in all
 * states those of the neutral head are off by 3.1° and 5.1° in the mean (18° and 39° at worst for 99 %); with bending
 * targets they are exact there, and 0.8° and 0.9° off in the photo's state, where changes add up linearly. The file
 * grows from 0.77 to 1.2 MB; ARKit's shapes are 0.13 MB of the former.
 */
import { withDefaults } from '../core/defaults.ts';
import type { ExportJoint, ExportMorph, ExportState, MeshExport } from '../io/mesh-export.ts';
import { arkitShapes } from '../model/arkit.ts';
import { type HeadModel, type HeadParams, headSizes } from '../model/head-model.ts';
import { bindVertices, poseHead, poseSkeleton, shapeVertices, skinVertices } from '../model/pose.ts';
import { vertexNormals } from '../render/normals.ts';
import { exportCamera, exportLight, type PhotoView } from './export-view.ts';
import { morphNormals } from './morph-normals.ts';

/** Options of {@link riggedHeadMesh} and {@link posedHeadMesh}. */
export interface HeadMeshOptions {
  /** Name of the object; the model's name unless given. */
  readonly name?: string;
  /** PNG file of the skin, in the model's UV layout. */
  readonly texturePng?: Uint8Array | null;
  /** Whether expressions come along as morph targets; else the fitted one is baked in. */
  readonly morphs?: boolean;
  /** Whether ARKit's blend shapes join the model's own expressions. */
  readonly arkit?: boolean;
  /** Whether morph targets move normals. */
  readonly morphNormals?: boolean;
  /** State that the file opens in. */
  readonly state?: 'photo' | 'neutral';
  /** Camera and light to write along. */
  readonly view?: PhotoView | null;
}

/** Defaults of {@link HeadMeshOptions}. */
export const HEAD_MESH_DEFAULTS = { morphs: true, arkit: true, morphNormals: true, state: 'photo' } as const;

/** Name of the morph target that holds the pose correctives of the photo's pose. */
export const POSE_CORRECTIVES = 'photoPoseCorrectives';

type Quaternion = readonly [number, number, number, number];

/**
 * The head with its skeleton, and its expressions as morph targets: for GLB. Rotations and weights start as fitted, or
 * at rest; the states `photo` and `neutral` have both.
 */
export function riggedHeadMesh(
  model: HeadModel,
  params: HeadParams,
  options: HeadMeshOptions = {},
): MeshExport {
  const { V, J } = headSizes(model);
  const { morphs, arkit, state } = withDefaults(HEAD_MESH_DEFAULTS, options);
  const bendNormals = options.morphNormals ?? HEAD_MESH_DEFAULTS.morphNormals;
  const skeleton = poseSkeleton(model, params);
  const shape = shapeVertices(model, params.identity);
  // Joints stay where the photo's expression puts them: at rest they do nothing wherever they are.
  const expressed = bindVertices(model, params, skeleton, shape);
  const unexpressed = { ...params, expression: [] };
  const still = poseSkeleton(model, { ...unexpressed, pose: new Float32Array(3 * J) });
  const neutral = bindVertices(model, unexpressed, still, shape);
  const positions = morphs ? neutral : expressed;
  const targets: ExportMorph[] = [];
  const add = (name: string, displacements: Float32Array, weight: number) => {
    targets.push({ name, displacements, weight });
  };
  if (morphs) {
    model.expressionNames.forEach((name, e) => {
      add(name, model.expressionBasis.subarray(3 * V * e, 3 * V * (e + 1)), params.expression[e] ?? 0);
    });
    const corrected = model.poseBasis ? bindVertices(model, unexpressed, skeleton, shape) : null;
    if (corrected) add(POSE_CORRECTIVES, difference(corrected, neutral), 1);
    const own = targets.map((target) => target.displacements);
    if (arkit) for (const [name, d] of arkitTargets(model, params, shape, neutral, own)) add(name, d, 0);
  }
  const photo: ExportState = {
    name: 'photo',
    weights: targets.map((target) => target.weight),
    rotations: model.joints.map((_, j) => quaternion(params.pose, 3 * j)),
  };
  const rest: ExportState = {
    name: 'neutral',
    weights: targets.map(() => 0),
    rotations: model.joints.map(() => [0, 0, 0, 1] as const),
  };
  const start = state === 'photo' ? photo : rest;
  const joints = model.joints.map(({ name, parent }, j): ExportJoint => {
    const [x, y, z] = skeleton.rest.subarray(3 * j, 3 * j + 3);
    return { name, parent, rest: [x, y, z], rotation: [...start.rotations[j]] };
  });
  const bend = bendNormals && targets.length > 0;
  const normals = vertexNormals(bend ? neutral : expressed, model.faces);
  return {
    ...common(model, options),
    positions,
    // Where morphs don't bend them, those of the face as seen: what a viewer opens with looks right.
    normals,
    skin: { joints, weights: model.skinWeights.slice(0, V * J) },
    morphs: withNormals(model, neutral, bend ? normals : null, targets).map((target, m) => ({
      ...target,
      weight: start.weights[m],
    })),
    states: [photo, rest],
    ...(options.view && viewOf(options.view, skinVertices(model, expressed, skeleton))),
  };
}

/**
 * The head as it is in the photo, expression and pose applied, or at rest: for OBJ and PLY.
 * @param vertices (V,3) of the head in that state, where the caller has them.
 */
export function posedHeadMesh(
  model: HeadModel,
  params: HeadParams,
  options: HeadMeshOptions = {},
  vertices?: Float32Array,
): MeshExport {
  const state = options.state ?? HEAD_MESH_DEFAULTS.state;
  vertices ??= poseHead(model, state === 'photo' ? params : atRest(params)).vertices;
  return { ...common(model, options), positions: vertices, normals: vertexNormals(vertices, model.faces) };
}

/** `params` without expression and pose: the same person, neutral, facing +z. */
export function atRest(params: HeadParams): HeadParams {
  const zeros = (array: Float32Array) => new Float32Array(array.length);
  return { ...params, expression: zeros(params.expression), pose: zeros(params.pose) };
}

/** ARKit's shapes that are no expression of the model under their own name, by name. */
function arkitTargets(
  model: HeadModel,
  params: HeadParams,
  shape: Float64Array,
  neutral: Float32Array,
  own: readonly Float32Array[],
): [string, Float32Array][] {
  return arkitShapes(model).flatMap(({ name, kind, expressions, joint }): [string, Float32Array][] => {
    if (kind === 'same') return [];
    // The very same array, so that the file holds it once.
    if (expressions.length === 1) return [[name, own[expressions[0]]]];
    if (joint === null) {
      const sum = new Float32Array(neutral.length);
      for (const e of expressions) for (let i = 0; i < sum.length; i++) sum[i] += own[e][i];
      return [[name, sum]];
    }
    const pose = new Float32Array(params.pose.length);
    pose.set(joint.rotation, 3 * joint.index);
    const turned = { ...params, expression: [], pose };
    const skeleton = poseSkeleton(model, turned);
    const bind = bindVertices(model, turned, skeleton, shape);
    return [[name, difference(skinVertices(model, bind, skeleton), neutral)]];
  });
}

/** `targets` with the change of the unit normals that each makes on the neutral head. */
function withNormals(
  model: HeadModel,
  neutral: Float32Array,
  normals: Float32Array | null,
  targets: readonly ExportMorph[],
): ExportMorph[] {
  if (!normals) return [...targets];
  const known = new Map<Float32Array, Float32Array>();
  return targets.map((target) => {
    let change = known.get(target.displacements);
    if (!change) {
      change = morphNormals(neutral, model.faces, normals, target.displacements);
      known.set(target.displacements, change);
    }
    return { ...target, normals: change };
  });
}

function viewOf(view: PhotoView, vertices: Float32Array) {
  const depths: [number, number] = [Infinity, -Infinity];
  for (let i = 2; i < vertices.length; i += 3) {
    depths[0] = Math.min(depths[0], vertices[i]);
    depths[1] = Math.max(depths[1], vertices[i]);
  }
  return { camera: exportCamera(view, depths), extras: exportLight(view) };
}

function common(model: HeadModel, options: HeadMeshOptions) {
  return {
    name: options.name ?? model.name,
    uvs: model.uvs,
    faces: model.faces,
    faceUvs: model.faceUvs,
    texturePng: options.texturePng ?? null,
    copyright: `Made with the head model ${model.name} (${model.license})`,
  };
}

function difference(a: Float32Array, b: Float32Array): Float32Array {
  const out = new Float32Array(a.length);
  for (let i = 0; i < out.length; i++) out[i] = a[i] - b[i];
  return out;
}

/** Axis-angle, radians, to a unit quaternion (x, y, z, w). */
export function quaternion(pose: ArrayLike<number>, at: number): Quaternion {
  const [x, y, z] = [pose[at], pose[at + 1], pose[at + 2]];
  const angle = Math.hypot(x, y, z);
  const s = angle < 1e-8 ? 0.5 : Math.sin(angle / 2) / angle;
  return [s * x, s * y, s * z, Math.cos(angle / 2)];
}
