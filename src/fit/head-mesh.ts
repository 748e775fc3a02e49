/**
 * A fitted head as the mesh that the writers of `io` take. The mesh is at rest with the shape of the person; expression
 * comes as morph targets and pose as rotated joints, so that a viewer shows the photo's head and an animator can take
 * both away. Pose correctives, which no mesh format has, are baked in for the fitted pose.
 */
import type { ExportJoint, MeshExport } from '../io/mesh-export.ts';
import { type HeadModel, type HeadParams, headSizes } from '../model/head-model.ts';
import { bindVertices, poseHead, poseSkeleton } from '../model/pose.ts';
import { vertexNormals } from '../render/normals.ts';

/** Options of {@link riggedHeadMesh} and {@link posedHeadMesh}. */
export interface HeadMeshOptions {
  /** Name of the object; the model's name unless given. */
  readonly name?: string;
  /** PNG file of the skin, in the model's UV layout. */
  readonly texturePng?: Uint8Array | null;
  /** Whether expressions come along as morph targets; else the fitted one is baked in. */
  readonly morphs?: boolean;
}

/** Defaults of {@link HeadMeshOptions}. */
export const HEAD_MESH_DEFAULTS = { morphs: true } as const;

/** The head with its skeleton, and its expressions as morph targets, posed as fitted: for GLB. */
export function riggedHeadMesh(
  model: HeadModel,
  params: HeadParams,
  options: HeadMeshOptions = {},
): MeshExport {
  const { V, J } = headSizes(model);
  const withMorphs = (options.morphs ?? HEAD_MESH_DEFAULTS.morphs) && model.expressionNames.length > 0;
  const skeleton = poseSkeleton(model, params);
  const expressed = bindVertices(model, params, skeleton);
  const neutral = { ...params, expression: new Float32Array(params.expression.length) };
  const joints = model.joints.map(({ name, parent }, j): ExportJoint => {
    const [x, y, z] = skeleton.rest.subarray(3 * j, 3 * j + 3);
    return { name, parent, rest: [x, y, z], rotation: quaternion(params.pose, 3 * j) };
  });
  return {
    ...common(model, options),
    positions: withMorphs ? bindVertices(model, neutral, skeleton) : expressed,
    // Normals of the face as seen: what a viewer opens with looks right.
    normals: vertexNormals(expressed, model.faces),
    skin: { joints, weights: model.skinWeights.slice(0, V * J) },
    morphs: withMorphs
      ? model.expressionNames.map((name, e) => ({
          name,
          displacements: model.expressionBasis.subarray(3 * V * e, 3 * V * (e + 1)),
          weight: params.expression[e] ?? 0,
        }))
      : [],
  };
}

/** The head as it is in the photo, expression and pose applied: for OBJ. */
export function posedHeadMesh(
  model: HeadModel,
  params: HeadParams,
  options: HeadMeshOptions = {},
): MeshExport {
  const { vertices } = poseHead(model, params);
  return { ...common(model, options), positions: vertices, normals: vertexNormals(vertices, model.faces) };
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

/** Axis-angle, radians, to a unit quaternion (x, y, z, w). */
function quaternion(pose: Float32Array, at: number): [number, number, number, number] {
  const [x, y, z] = pose.subarray(at, at + 3);
  const angle = Math.hypot(x, y, z);
  const s = angle < 1e-8 ? 0.5 : Math.sin(angle / 2) / angle;
  return [s * x, s * y, s * z, Math.cos(angle / 2)];
}
