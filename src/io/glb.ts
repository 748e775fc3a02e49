/**
 * Binary glTF 2.0 (GLB): a textured mesh with its skeleton and morph targets, for Blender, three.js and game engines.
 *
 * glTF wants one texture coordinate per vertex, so vertices on texture seams are doubled; its axes, metres and v down
 * are ours. Morph targets are stored sparsely: displacements under a micrometre are dropped, and most expressions move
 * a small part of a head. Targets of the same displacements share them.
 *
 * States become animations of one second in which nothing moves: glTF has no other way to name a set of rotations and
 * weights (KHR_materials_variants changes materials only), and every viewer lists animations. A motion is an animation
 * too (`glb-animations.ts`). The file itself starts in the rotations and weights of joints and morphs.
 *
 * Written by hand: with 15,000 vertices and 50 expressions @gltf-transform/core takes 0.9 to 1.6 s (this: 0.05 s) and
 * refers to `node:fs`, which trips bundlers for the browser. It reads the files back in the tests.
 */
import { addAnimations } from './glb-animations.ts';
import { GlbContainer, type GlbContents } from './glb-container.ts';
import { checkMeshExport, type ExportCamera, type MeshExport } from './mesh-export.ts';

/** Changes of unit normals below this, a twentieth of a degree, are dropped. */
const NORMAL_THRESHOLD = 1e-3;

/** Options of {@link writeGlb}. */
export interface GlbOptions {
  /** Displacements of morph targets below this are dropped, metres. */
  readonly morphThreshold?: number;
  /** Written as the file's generator. */
  readonly generator?: string;
}

/** Defaults of {@link GlbOptions}. */
export const GLB_DEFAULTS = { morphThreshold: 1e-6, generator: 'photofit' } as const;

/**
 * A GLB file of `mesh`, its joints in the given rotations, its morph targets at the given weights; the same mesh gives
 * the same bytes.
 * @throws {InvalidArgumentError} when the mesh does not fit together
 */
export function writeGlb(mesh: MeshExport, options: GlbOptions = {}): Uint8Array {
  return finishGlb(draftGlb(mesh, options), mesh.texturePng ?? null);
}

/** A GLB file that wants nothing but its texture; plain data. */
export interface GlbDraft {
  readonly name: string;
  readonly document: object;
  readonly contents: GlbContents;
}

/** The file of a draft. @param texturePng base colour as a PNG file, null for none */
export function finishGlb({ name, document, contents }: GlbDraft, texturePng: Uint8Array | null): Uint8Array {
  const container = new GlbContainer(contents);
  return container.pack({ ...document, ...materials(container, name, texturePng) });
}

/**
 * All of a GLB file but its texture, so that it can be made while the texture is.
 * @throws {InvalidArgumentError} when the mesh does not fit together
 */
export function draftGlb(mesh: MeshExport, options: GlbOptions = {}): GlbDraft {
  checkMeshExport(mesh, 'writeGlb');
  const { name, copyright } = mesh;
  const container = new GlbContainer();
  const split = splitAtSeams(mesh);
  const skinned = mesh.skin ? addSkin(container, mesh.skin, split.vertices) : null;
  const morphs = mesh.morphs ?? [];
  const camera = mesh.camera ?? null;
  const animated = mesh.motion || (mesh.states?.length ?? 0) > 0;
  const nodes = [{ name, mesh: 0, ...(skinned && { skin: 0 }) }, ...(skinned?.nodes ?? [])];
  const vertex = (array: Float32Array, type: 'VEC2' | 'VEC3', bounds = false) =>
    container.accessor(array, { type, target: 'vertices', bounds });
  const primitive = {
    attributes: {
      POSITION: vertex(gather(mesh.positions, 3, split.vertices), 'VEC3', true),
      NORMAL: vertex(unitLength(gather(mesh.normals, 3, split.vertices)), 'VEC3'),
      TEXCOORD_0: vertex(gather(mesh.uvs, 2, split.uvs), 'VEC2'),
      ...skinned?.attributes,
    },
    // 65535 itself is reserved in 16 bits.
    indices: container.accessor(
      split.vertices.length < 65535 ? Uint16Array.from(split.indices) : split.indices,
      { type: 'SCALAR', target: 'indices' },
    ),
    material: 0,
    ...(morphs.length > 0 && {
      targets: addMorphs(
        container,
        morphs,
        split.vertices,
        options.morphThreshold ?? GLB_DEFAULTS.morphThreshold,
      ),
    }),
  };
  const document = {
    asset: {
      version: '2.0',
      generator: options.generator ?? GLB_DEFAULTS.generator,
      ...(copyright && { copyright }),
    },
    scene: 0,
    // The mesh is a root of its own: skinned meshes ignore where their node stands.
    scenes: [
      {
        name,
        nodes: [0, ...(skinned?.roots ?? []), ...(camera ? [nodes.length] : [])],
        ...(mesh.extras && { extras: mesh.extras }),
      },
    ],
    nodes: camera ? [...nodes, { name: camera.name, camera: 0, translation: camera.position }] : nodes,
    ...(camera && { cameras: [gltfCamera(camera)] }),
    meshes: [
      {
        name,
        primitives: [primitive],
        ...(morphs.length > 0 && {
          weights: morphs.map((m) => m.weight),
          // Where every viewer looks for the names; glTF itself has no place for them.
          extras: { targetNames: morphs.map((m) => m.name) },
        }),
      },
    ],
    ...(skinned && { skins: [skinned.skin] }),
    ...(animated && { animations: addAnimations(container, mesh) }),
  };
  return { name, document, contents: container.contents() };
}

/** For each pair of vertex and texture vertex that a face uses: both, and the faces' indices of pairs. */
export function splitAtSeams(mesh: Pick<MeshExport, 'faces' | 'faceUvs' | 'uvs'>): {
  readonly vertices: Uint32Array;
  readonly uvs: Uint32Array;
  readonly indices: Uint32Array;
} {
  const U = mesh.uvs.length / 2;
  const numbers = new Map<number, number>();
  const vertices: number[] = [];
  const uvs: number[] = [];
  const indices = new Uint32Array(mesh.faces.length);
  for (let i = 0; i < indices.length; i++) {
    const key = mesh.faces[i] * U + mesh.faceUvs[i];
    let number = numbers.get(key);
    if (number === undefined) {
      number = vertices.length;
      numbers.set(key, number);
      vertices.push(mesh.faces[i]);
      uvs.push(mesh.faceUvs[i]);
    }
    indices[i] = number;
  }
  return { vertices: Uint32Array.from(vertices), uvs: Uint32Array.from(uvs), indices };
}

function materials(container: GlbContainer, name: string, texturePng: Uint8Array | null): object {
  // Skin is no metal and rather matt; both sides, since the neck is open.
  const surface = { metallicFactor: 0, roughnessFactor: 0.7 };
  if (!texturePng) return { materials: [{ name, pbrMetallicRoughness: surface, doubleSided: true }] };
  return {
    materials: [
      { name, pbrMetallicRoughness: { baseColorTexture: { index: 0 }, ...surface }, doubleSided: true },
    ],
    textures: [{ sampler: 0, source: 0 }],
    // Linear with mipmaps, clamped at the edges.
    samplers: [{ magFilter: 9729, minFilter: 9987, wrapS: 33071, wrapT: 33071 }],
    images: [{ name, mimeType: 'image/png', bufferView: container.bytes(texturePng) }],
  };
}

function addMorphs(
  container: GlbContainer,
  morphs: NonNullable<MeshExport['morphs']>,
  vertices: Uint32Array,
  threshold: number,
): object[] {
  const written = new Map<Float32Array, number>();
  const add = (values: Float32Array, least: number): number => {
    let number = written.get(values);
    if (number === undefined) {
      number = container.sparseRows(values, vertices, least);
      written.set(values, number);
    }
    return number;
  };
  return morphs.map(({ displacements, normals }) => ({
    POSITION: add(displacements, threshold),
    ...(normals && { NORMAL: add(normals, NORMAL_THRESHOLD) }),
  }));
}

function gltfCamera({ name, projection, aspect, near, far, extras }: ExportCamera): object {
  const more = { name, ...(extras && { extras }) };
  if ('yfov' in projection) {
    const perspective = { yfov: projection.yfov, aspectRatio: aspect, znear: near, zfar: far };
    return { type: 'perspective', perspective, ...more };
  }
  const { ymag } = projection;
  return {
    type: 'orthographic',
    orthographic: { xmag: aspect * ymag, ymag, znear: near, zfar: far },
    ...more,
  };
}

/** Skin, joint nodes (numbered from 1, after the mesh's) and the attributes that bind vertices to them. */
function addSkin(container: GlbContainer, skin: NonNullable<MeshExport['skin']>, vertices: Uint32Array) {
  const { joints } = skin;
  const inverse = new Float32Array(16 * joints.length);
  const nodes = joints.map(({ name, parent, rest, rotation }, j) => {
    // The rest pose has no rotations: each inverse bind matrix (column-major) moves its joint to the origin.
    for (let k = 0; k < 4; k++) inverse[16 * j + 5 * k] = 1;
    for (let a = 0; a < 3; a++) inverse[16 * j + 12 + a] = -rest[a];
    const from = parent < 0 ? [0, 0, 0] : joints[parent].rest;
    const children = joints.flatMap((other, i) => (other.parent === j ? [1 + i] : []));
    return {
      name,
      translation: rest.map((x, a) => x - from[a]),
      rotation,
      ...(children.length > 0 && { children }),
    };
  });
  return {
    nodes,
    roots: joints.flatMap(({ parent }, j) => (parent < 0 ? [1 + j] : [])),
    skin: {
      joints: joints.map((_, j) => 1 + j),
      inverseBindMatrices: container.accessor(inverse, { type: 'MAT4' }),
    },
    attributes: addInfluences(container, skin.weights, joints.length, vertices),
  };
}

/** Joint numbers and weights, four to an attribute, the heaviest first; more attributes where four are too few. */
function addInfluences(
  container: GlbContainer,
  weights: Float32Array,
  J: number,
  vertices: Uint32Array,
): Record<string, number> {
  // Of each vertex the joints that move it, the heaviest first.
  const order = new Uint16Array(J * vertices.length);
  const counts = new Uint16Array(vertices.length);
  const sums = new Float64Array(vertices.length);
  let most = 1;
  for (let i = 0; i < vertices.length; i++) {
    const row = vertices[i] * J;
    let count = 0;
    for (let j = 0; j < J; j++) {
      const w = weights[row + j];
      if (!(w > 0)) continue;
      sums[i] += w;
      let at = i * J + count++;
      for (; at > i * J && weights[row + order[at - 1]] < w; at--) order[at] = order[at - 1];
      order[at] = j;
    }
    counts[i] = count;
    if (count > most) most = count;
  }
  const attributes: Record<string, number> = {};
  for (let set = 0; set * 4 < most; set++) {
    const wide = J > 256;
    const numbers = wide ? new Uint16Array(4 * vertices.length) : new Uint8Array(4 * vertices.length);
    const values = new Float32Array(4 * vertices.length);
    for (let i = 0; i < vertices.length; i++)
      for (let k = 4 * set; k < Math.min(4 * set + 4, counts[i]); k++) {
        const j = order[i * J + k];
        numbers[4 * i + k - 4 * set] = j;
        values[4 * i + k - 4 * set] = weights[vertices[i] * J + j] / sums[i];
      }
    const use = { type: 'VEC4', target: 'vertices' } as const;
    attributes[`JOINTS_${set}`] = container.accessor(numbers, use);
    attributes[`WEIGHTS_${set}`] = container.accessor(values, use);
  }
  return attributes;
}

/** Rows `rows` of an (n,width) array. */
function gather(values: Float32Array, width: number, rows: Uint32Array): Float32Array {
  const out = new Float32Array(rows.length * width);
  for (let r = 0; r < rows.length; r++) {
    for (let c = 0; c < width; c++) out[r * width + c] = values[rows[r] * width + c];
  }
  return out;
}

/** glTF demands unit normals; a vertex without one (no face, no area) gets +z. */
function unitLength(normals: Float32Array): Float32Array {
  for (let i = 0; i < normals.length; i += 3) {
    const length = Math.hypot(normals[i], normals[i + 1], normals[i + 2]);
    if (length > 0) for (let a = i; a < i + 3; a++) normals[a] /= length;
    else normals[i + 2] = 1;
  }
  return normals;
}
