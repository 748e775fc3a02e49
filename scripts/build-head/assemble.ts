/** From the source to the finished pack: the order of the build on one screen. */
import { createRandom } from '../../src/core/random.ts';
import { int8Tensor } from '../../src/io/dtypes.ts';
import { readSafetensors, writeSafetensors } from '../../src/io/safetensors.ts';
import type { HeadModel } from '../../src/model/head-model.ts';
import { writeHeadPack } from '../../src/model/pack.ts';
import { buildAlbedo } from './albedo.ts';
import { buildAtlas } from './atlas.ts';
import { closeLips, sealSockets } from './contact.ts';
import { buildExpressions } from './expressions.ts';
import { alignAll, decompose, mirrorRows } from './identity.ts';
import { embedLandmarks, type LandmarkTable, placeholderTable } from './landmarks.ts';
import { mouthAnchors } from './mouth.ts';
import { nostrilCavities } from './nostrils.ts';
import { type BrowCard, paintMasks } from './paint.ts';
import { lowerPalate, palateOf } from './palate.ts';
import { asymmetryPairs, drawPerson, faceSliders } from './people.ts';
import { buildRegions } from './regions.ts';
import { eyeCenter, ShapeSpace, withInside } from './shapes.ts';
import { JOINTS, skinWeights } from './skinning.ts';
import type { Source, SourceSkin } from './source.ts';
import { matchedShapes } from './statistics.ts';
import { cutHead, type Topology } from './topology.ts';

/** Identity components, albedo components and texels per side of the pack. */
export const SIZES = { identity: 80, albedo: 20, texels: 256 } as const;
const CHILD_SHARE = 0.12;

/** Options of {@link assembleHead}. */
export interface AssembleOptions {
  readonly people: number;
  readonly faces: number;
  readonly provenance: Record<string, unknown>;
  readonly log: (line: string) => void;
}

/** Builds the pack. */
export function assembleHead(
  source: Source,
  skins: readonly SourceSkin[],
  cards: readonly BrowCard[],
  table: LandmarkTable | null,
  options: AssembleOptions,
): { bytes: Uint8Array; report: Record<string, unknown> } {
  const { log } = options;
  const topology = cutHead(source);
  const space = new ShapeSpace(source, topology);
  const { layout } = space;
  const V = topology.source.length;
  const atlas = buildAtlas(source, topology);
  const mouth = mouthAnchors(topology, atlas, space.base);
  log(`cut: ${V} vertices, ${topology.faces.length / 3} faces, ${atlas.uvs.length / 2} texture vertices`);

  const random = createRandom(7);
  const sliders = faceSliders(source);
  const asymmetry = asymmetryPairs(source);
  const people = Array.from({ length: options.people }, () =>
    drawPerson(random, sliders, asymmetry, CHILD_SHARE),
  );
  const { shapes, report } = matchedShapes(space, topology, sliders, people, random, log);
  const mirror = mirrorRows(layout, topology.mirror, space.base);
  const importance = rowImportance(space, topology);
  alignAll(
    shapes,
    importance.map((w, r) => (r < topology.partStart[1]! && space.base[3 * r + 1]! > 0.66 ? w : 0)),
  );
  log(`${shapes.length} people drawn and aligned`);
  const identity = decompose(shapes, mirror, importance, SIZES.identity);
  log(
    `identity: ${identity.basis.length} components, ${(100 * identity.captured).toFixed(2)} % of the variance`,
  );

  const palate = palateOf(topology, atlas, mouth, identity.mean);
  const roofed = identity.mean.slice();
  lowerPalate(roofed, palate);
  const inside = { mouth, palate, nostrils: nostrilCavities(topology, roofed) };
  const regions = buildRegions(space, topology, atlas, inside.nostrils);

  // Origin: the root joint of the mean head.
  const origin = [0, 1, 2].map((k) => (k === 0 ? 0 : identity.mean[3 * layout.head + k]!));
  const mean = identity.mean.map((x, i) => x - origin[i % 3]!);
  const S = identity.basis.length;
  const template = Float32Array.from(withInside(mean, layout, topology, inside));
  closeLips(template, topology, atlas, space.base);
  sealSockets(template, topology, atlas, [eyeCenter(mean, layout.leftEye), eyeCenter(mean, layout.rightEye)]);
  snapRim(template, topology);
  const identityBasis = new Float32Array(3 * V * S);
  const J = JOINTS.length;
  const jointTemplate = jointsOf(mean, layout);
  const jointIdentityBasis = new Float32Array(S * J * 3);
  const meanHead = withInside(mean, layout, topology, inside);
  identity.basis.forEach((b, s) => {
    // Eye centres and joints are linear in the shape up to the mean radius, so differences give their bases.
    const moved = mean.map((x, i) => x + b[i]!);
    const head = withInside(moved, layout, topology, inside);
    for (let i = 0; i < 3 * V; i++) identityBasis[3 * V * s + i] = head[i]! - meanHead[i]!;
    const joints = jointsOf(moved, layout);
    for (let i = 0; i < 3 * J; i++) jointIdentityBasis[3 * J * s + i] = joints[i]! - jointTemplate[i]!;
  });

  const expressions = buildExpressions(space, topology, inside);
  const E = expressions.names.length;
  const expressionBasis = new Float32Array(3 * V * E);
  for (let e = 0; e < E; e++) expressionBasis.set(expressions.basis[e]!, 3 * V * e);
  log(`expressions: ${E}`);

  const albedo = buildAlbedo(
    createRandom(11),
    skins,
    cards,
    atlas,
    paintMasks(space, topology, atlas, inside),
    SIZES.texels,
    SIZES.albedo,
    options.faces,
  );
  const texture = new Float32Array(albedo.basis.length * albedo.mean.length);
  for (let t = 0; t < albedo.basis.length; t++) texture.set(albedo.basis[t]!, t * albedo.mean.length);
  log(`albedo: ${albedo.basis.length} components, ${(100 * albedo.captured).toFixed(1)} % of the variance`);

  const model: HeadModel = {
    name: 'open-head',
    hash: '0'.repeat(64),
    license: 'CC0-1.0',
    template,
    faces: Uint32Array.from(topology.faces),
    uvs: atlas.uvs,
    faceUvs: atlas.faceUvs,
    identityBasis,
    identityNames: identity.symmetric.map((s, i) => `identity_${i}${s ? '' : '_asymmetric'}`),
    expressionBasis,
    expressionNames: expressions.names,
    expressionSd: new Float32Array(E).fill(0.3),
    expressionRange: Float32Array.from({ length: 2 * E }, (_, i) => i % 2),
    joints: JOINTS.map((j) => ({ ...j })),
    jointTemplate: Float32Array.from(jointTemplate),
    jointIdentityBasis,
    jointExpressionBasis: new Float32Array(E * J * 3),
    poseBasis: null,
    skinWeights: skinWeights(space, topology, atlas, palate),
    landmarks: embedLandmarks(table ?? placeholderTable(topology.faces), topology.faces),
    texture: {
      width: albedo.size,
      height: albedo.size,
      mean: albedo.mean,
      basis: texture,
      names: albedo.names,
    },
    regions,
  };
  const packed = writeHeadPack(model, {
    version: '0.1.0',
    credits:
      'Made from the MakeHuman base mesh, targets and skins (CC0, the MakeHuman team and contributors).',
    provenance: options.provenance,
    precision: 'float16',
    texturePrecision: 'int8',
  });
  return { bytes: shrink(packed, E, V), report: { captured: identity.captured, measurements: report } };
}

/** Expressions as I8 (their weights stay within 0…1, identity's do not), the mean texture as U8. */
function shrink(bytes: Uint8Array, E: number, V: number): Uint8Array {
  const file = readSafetensors(bytes);
  const tensors = new Map(file.tensors);
  const floats = (name: string) =>
    Float32Array.from(new Uint16Array(tensors.get(name)!.bytes.slice().buffer), halfToFloat);
  const q = int8Tensor(floats('expression_basis'), [E, V, 3]);
  tensors.set('expression_basis', q.values);
  tensors.set('expression_basis.scale', q.scale);
  const mean = Uint8Array.from(floats('texture.mean'), (x) => Math.round(255 * x));
  tensors.set('texture.mean', { dtype: 'U8', shape: tensors.get('texture.mean')!.shape, bytes: mean });
  return writeSafetensors(tensors, file.metadata);
}

function halfToFloat(h: number): number {
  const sign = h & 0x8000 ? -1 : 1;
  const e = (h >> 10) & 31;
  const m = h & 1023;
  return sign * (e === 0 ? m * 2 ** -24 : (1 + m / 1024) * 2 ** (e - 15));
}

/** (rows) weights of squared distances in the decomposition: face first, neck and inside last. */
function rowImportance(space: ShapeSpace, topology: Topology): Float64Array {
  const out = new Float64Array(space.layout.rows);
  const skin = topology.partStart[1]!;
  for (let v = 0; v < skin; v++) {
    const [y, z] = [space.base[3 * v + 1]!, space.base[3 * v + 2]!];
    const neck = y < 0.6 + (0.148 - z) * 0.28;
    out[v] = neck ? 0.15 : z > 0.09 ? 1.5 : 1;
  }
  return out;
}

function jointsOf(shape: ArrayLike<number>, layout: ShapeSpace['layout']): Float64Array {
  const row = (r: number) => [shape[3 * r]!, shape[3 * r + 1]!, shape[3 * r + 2]!];
  return Float64Array.from([
    ...row(layout.head),
    ...row(layout.neck),
    ...row(layout.jaw),
    ...eyeCenter(shape, layout.leftEye),
    ...eyeCenter(shape, layout.rightEye),
  ]);
}

/** Puts the rim of the neck into its least-squares plane (the mean's; identity moves it only smoothly). */
function snapRim(template: Float32Array, topology: Topology): void {
  // y = a + b z over the rim.
  let [n, sz, sy, szz, szy] = [0, 0, 0, 0, 0];
  for (const v of topology.rim) {
    const [y, z] = [template[3 * v + 1]!, template[3 * v + 2]!];
    n++;
    sz += z;
    sy += y;
    szz += z * z;
    szy += z * y;
  }
  const b = (n * szy - sz * sy) / (n * szz - sz * sz);
  const a = (sy - b * sz) / n;
  for (const v of topology.rim) template[3 * v + 1] = a + b * template[3 * v + 2]!;
}
