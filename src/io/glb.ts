/**
 * Binary glTF 2.0 (GLB): the textured head with its skeleton and expressions, for Blender, three.js and game engines.
 *
 * glTF wants one texture coordinate per vertex, so vertices on texture seams are doubled; its axes, metres and v down
 * are ours. Expressions are morph targets stored sparsely: displacements under a micrometre are dropped, and most
 * expressions move a small part of the head. Morph targets move positions only; normals that followed would double
 * their size for a difference that can hardly be seen.
 */
import { Document, type Buffer as GltfBuffer, type Node, type Primitive, WebIO } from '@gltf-transform/core';
import { checkMeshExport, type ExportJoint, type MeshExport } from './mesh-export.ts';

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
 * A GLB file of `mesh`, its joints in the given rotations, its morph targets at the given weights.
 * @throws {InvalidArgumentError} when the mesh does not fit together
 */
export async function writeGlb(mesh: MeshExport, options: GlbOptions = {}): Promise<Uint8Array> {
  checkMeshExport(mesh, 'writeGlb');
  const document = new Document();
  const asset = document.getRoot().getAsset();
  asset.generator = options.generator ?? GLB_DEFAULTS.generator;
  if (mesh.copyright) asset.copyright = mesh.copyright;
  const buffer = document.createBuffer();
  const split = splitAtSeams(mesh);

  const primitive = document.createPrimitive().setMaterial(createMaterial(document, mesh));
  const attribute = (name: string, type: 'VEC2' | 'VEC3', array: Float32Array<ArrayBuffer>) =>
    primitive.setAttribute(name, document.createAccessor().setType(type).setArray(array).setBuffer(buffer));
  attribute('POSITION', 'VEC3', gather(mesh.positions, 3, split.vertices));
  attribute('NORMAL', 'VEC3', unitLength(gather(mesh.normals, 3, split.vertices)));
  attribute('TEXCOORD_0', 'VEC2', gather(mesh.uvs, 2, split.uvs));
  const n = split.vertices.length;
  // 65535 itself is reserved in 16 bits.
  const indices = n < 65535 ? Uint16Array.from(split.indices) : Uint32Array.from(split.indices);
  primitive.setIndices(document.createAccessor().setType('SCALAR').setArray(indices).setBuffer(buffer));

  const gltfMesh = document.createMesh(mesh.name).addPrimitive(primitive);
  const morphs = mesh.morphs ?? [];
  const threshold = options.morphThreshold ?? GLB_DEFAULTS.morphThreshold;
  for (const { name, displacements } of morphs) {
    const values = gather(displacements, 3, split.vertices);
    for (let i = 0; i < values.length; i++) if (Math.abs(values[i]) < threshold) values[i] = 0;
    const accessor = document
      .createAccessor(name)
      .setType('VEC3')
      .setArray(values)
      .setBuffer(buffer)
      .setSparse(true);
    primitive.addTarget(document.createPrimitiveTarget(name).setAttribute('POSITION', accessor));
  }
  if (morphs.length > 0) {
    // Where every viewer looks for the names; glTF itself has no place for them.
    gltfMesh.setExtras({ targetNames: morphs.map((m) => m.name) }).setWeights(morphs.map((m) => m.weight));
  }

  const node = document.createNode(mesh.name).setMesh(gltfMesh);
  const scene = document.createScene(mesh.name).addChild(node);
  if (mesh.skin) {
    const { joints, weights } = mesh.skin;
    setInfluences(document, buffer, primitive, weights, joints.length, split.vertices);
    const nodes = createJointNodes(document, joints);
    const skin = document
      .createSkin(mesh.name)
      .setInverseBindMatrices(inverseBindMatrices(document, buffer, joints));
    nodes.forEach((joint, j) => {
      skin.addJoint(joint);
      if (joints[j].parent < 0) scene.addChild(joint);
    });
    node.setSkin(skin.setSkeleton(nodes[0]));
  }
  document.getRoot().setDefaultScene(scene);
  return new WebIO().writeBinary(document);
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

function createMaterial(document: Document, mesh: MeshExport) {
  // Skin is no metal and rather matt; both sides, since the neck is open.
  const material = document
    .createMaterial(mesh.name)
    .setMetallicFactor(0)
    .setRoughnessFactor(0.7)
    .setDoubleSided(true);
  if (mesh.texturePng) {
    const png = new Uint8Array(mesh.texturePng);
    material.setBaseColorTexture(document.createTexture(mesh.name).setImage(png).setMimeType('image/png'));
  }
  return material;
}

/** Joint numbers and weights, four to an attribute, the heaviest first; more attributes where four are too few. */
function setInfluences(
  document: Document,
  buffer: GltfBuffer,
  primitive: Primitive,
  weights: Float32Array,
  J: number,
  vertices: Uint32Array,
): void {
  let most = 1;
  const sorted = Array.from(vertices, (v) => {
    const list: [number, number][] = [];
    for (let j = 0; j < J; j++) if (weights[v * J + j] > 0) list.push([j, weights[v * J + j]]);
    list.sort((a, b) => b[1] - a[1]);
    most = Math.max(most, list.length);
    return list;
  });
  for (let set = 0; set * 4 < most; set++) {
    const numbers = new Uint8Array(4 * vertices.length);
    const values = new Float32Array(4 * vertices.length);
    sorted.forEach((list, i) => {
      const sum = list.reduce((s, [, w]) => s + w, 0);
      list.slice(4 * set, 4 * set + 4).forEach(([j, w], k) => {
        numbers[4 * i + k] = j;
        values[4 * i + k] = w / sum;
      });
    });
    const accessor = (array: Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>) =>
      document.createAccessor().setType('VEC4').setArray(array).setBuffer(buffer);
    primitive
      .setAttribute(`JOINTS_${set}`, accessor(numbers))
      .setAttribute(`WEIGHTS_${set}`, accessor(values));
  }
}

/** A node for each joint, children under their parents, turned as given. */
function createJointNodes(document: Document, joints: readonly ExportJoint[]): Node[] {
  const nodes: Node[] = [];
  for (const { name, parent, rest, rotation } of joints) {
    const from = parent < 0 ? [0, 0, 0] : joints[parent].rest;
    const node = document
      .createNode(name)
      .setTranslation([rest[0] - from[0], rest[1] - from[1], rest[2] - from[2]])
      .setRotation([...rotation]);
    if (parent >= 0) nodes[parent].addChild(node);
    nodes.push(node);
  }
  return nodes;
}

/** The rest pose has no rotations: each matrix moves its joint to the origin. */
function inverseBindMatrices(document: Document, buffer: GltfBuffer, joints: readonly ExportJoint[]) {
  const matrices = new Float32Array(16 * joints.length);
  joints.forEach(({ rest }, j) => {
    for (let k = 0; k < 4; k++) matrices[16 * j + 5 * k] = 1;
    // Column-major: the translation is the last column.
    for (let a = 0; a < 3; a++) matrices[16 * j + 12 + a] = -rest[a];
  });
  return document.createAccessor().setType('MAT4').setArray(matrices).setBuffer(buffer);
}

/** Rows `rows` of an (n,width) array. */
function gather(values: Float32Array, width: number, rows: Uint32Array): Float32Array<ArrayBuffer> {
  const out = new Float32Array(rows.length * width);
  for (let r = 0; r < rows.length; r++) {
    for (let c = 0; c < width; c++) out[r * width + c] = values[rows[r] * width + c];
  }
  return out;
}

/** glTF demands unit normals; a vertex without one (no face, no area) gets +z. */
function unitLength(normals: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  for (let i = 0; i < normals.length; i += 3) {
    const length = Math.hypot(normals[i], normals[i + 1], normals[i + 2]);
    if (length > 0) for (let a = i; a < i + 3; a++) normals[a] /= length;
    else normals[i + 2] = 1;
  }
  return normals;
}
