/**
 * People with known textures, each seen from one random side: a texture space's random albedo plus what no linear space
 * holds (freckles, moles, patches that both cheeks share more or less, a beard with a border, an uneven tan), and the
 * visibility that a photo of the posed head would give, with now and then hair or a hand before it.
 */
import { createRandom, type Random } from '../../src/core/random.ts';
import type { Kernels } from '../../src/kernels/runtime.ts';
import { type HeadModel, neutralParams } from '../../src/model/head-model.ts';
import { poseHead } from '../../src/model/pose.ts';
import { albedoMap } from '../../src/render/albedo.ts';
import { vertexNormals } from '../../src/render/normals.ts';
import { rasterMesh } from '../../src/render/raster.ts';
import { resize } from '../../src/render/resample.ts';
import { smoothstep } from '../../src/texture/grids.ts';
import { buildTexelGraph, nodePoints, type TexelGraph } from '../../src/texture/texel-graph.ts';
import type { TextureMap, TextureMapSource } from '../../src/texture/texture-map.ts';

/** A population: maps as a fit would give them, and the whole truth. */
export interface TexturePopulation extends TextureMapSource {
  read(index: number): Promise<TextureMap>;
  /** (size,size,3) every texel of map `index`. */
  truth(index: number): Float32Array;
  /** (size,size) 1 where the face's skin, lips, brows and lids are: what photos can show. */
  readonly face: Uint8Array;
}

/** Pixels of the picture in which visibility is decided. */
const VIEW = 256;

/** `count` people of `seed` on `model`, which must have a texture space. */
export function texturePopulation(
  kernels: Kernels,
  model: HeadModel,
  count: number,
  size: number,
  seed: number,
): TexturePopulation {
  const graph = buildTexelGraph(kernels, model, size, size);
  const shown = shownFaces(model);
  const face = new Uint8Array(size * size);
  graph.texels.forEach((t, i) => {
    face[t] = shown[graph.faces[i]];
  });
  const mirrored = mirrorColumns(graph, face, size);
  return {
    names: Array.from({ length: count }, (_, i) => `person-${String(i).padStart(4, '0')}`),
    size,
    face,
    truth: (i) => paint(model, size, createRandom(seed * 100003 + 2 * i), mirrored),
    async read(i) {
      const albedo = this.truth(i);
      const visibility = look(kernels, model, graph, face, createRandom(seed * 100003 + 2 * i + 1));
      // Fits leave noise, and nothing where nothing was seen.
      const noise = createRandom(seed * 7 + i);
      for (let t = 0; t < visibility.length; t++)
        for (let c = 3 * t; c < 3 * t + 3; c++)
          albedo[c] = visibility[t] === 0 ? 0 : albedo[c] + 0.01 * noise.normal();
      return { size, albedo, visibility };
    },
  };
}

/** (F) 1 for faces of the front and the skin, not inside the mouth or on the eyeballs. */
function shownFaces(model: HeadModel): Uint8Array {
  const inside = new Uint8Array(model.template.length / 3);
  for (const name of ['face', 'skin', 'ears']) for (const v of model.regions.get(name) ?? []) inside[v] = 1;
  for (const name of ['mouth_interior', 'teeth', 'tongue', 'left_eyeball', 'right_eyeball', 'eye_sockets'])
    for (const v of model.regions.get(name) ?? []) inside[v] = 0;
  const { faces } = model;
  return Uint8Array.from(
    { length: faces.length / 3 },
    (_, f) => inside[faces[3 * f]] & inside[faces[3 * f + 1]] & inside[faces[3 * f + 2]],
  );
}

/** Where the face lies in the map: centre and extent, for things that are painted on it. */
function mirrorColumns(graph: TexelGraph, face: Uint8Array, size: number) {
  let [left, right, top, bottom] = [size, 0, size, 0];
  for (const t of graph.texels) {
    if (!face[t]) continue;
    const [x, y] = [t % size, Math.floor(t / size)];
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return { left: left / size, right: right / size, top: top / size, bottom: bottom / size };
}

interface Spot {
  readonly x: number;
  readonly y: number;
  readonly r: number;
  readonly colour: readonly number[];
}

function paint(
  model: HeadModel,
  size: number,
  random: Random,
  box: { left: number; right: number; top: number; bottom: number },
): Float32Array {
  const space = model.texture!;
  const coefficients = Float32Array.from(
    { length: space.basis.length / space.mean.length },
    () => 0.9 * random.normal(),
  );
  const small = albedoMap(space, coefficients);
  const data = (small.width === size ? small : resize(small, size, size)).data.slice();
  const across = (x: number) => box.left + (box.right - box.left) * x;
  const down = (y: number) => box.top + (box.bottom - box.top) * y;
  const spots: Spot[] = [];
  // Patches come in pairs, one on each cheek, more or less alike.
  const pairs = 3 + random.below(8);
  for (let i = 0; i < pairs; i++) {
    const [x, y, r] = [0.5 * random.uniform(), random.uniform(), 0.015 + 0.05 * random.uniform()];
    const strength = 0.07 * random.normal();
    const colour = [0.5, 1 + 0.3 * random.normal(), 1 + 0.3 * random.normal()].map((k) => k * strength);
    for (const side of [x, 1 - x]) {
      const k = 0.6 + 0.8 * random.uniform();
      spots.push({
        x: across(side + 0.02 * random.normal()),
        y: down(y + 0.02 * random.normal()),
        r: r * (0.8 + 0.4 * random.uniform()),
        colour: colour.map((c) => k * c),
      });
    }
  }
  const freckles = random.uniform() < 0.4 ? random.below(250) : 0;
  for (let i = 0; i < freckles + random.below(8); i++) {
    const mole = i >= freckles;
    const dark = mole ? 0.12 + 0.15 * random.uniform() : 0.04 + 0.05 * random.uniform();
    spots.push({
      x: across(mole ? random.uniform() : 0.5 + 0.2 * random.normal()),
      y: down(mole ? random.uniform() : 0.45 + 0.12 * random.normal()),
      r: mole ? 0.003 + 0.004 * random.uniform() : 0.002 + 0.0025 * random.uniform(),
      colour: [-0.7 * dark, -dark, -1.1 * dark],
    });
  }
  for (const spot of spots) stamp(data, size, spot);
  beard(data, size, random, across, down);
  uneven(data, size, random);
  for (let i = 0; i < data.length; i++) data[i] = Math.min(0.97, Math.max(0.03, data[i]));
  return data;
}

function stamp(data: Float32Array, size: number, { x, y, r, colour }: Spot): void {
  const [cx, cy, radius] = [x * size, y * size, Math.max(r * size, 0.5)];
  // A spot smaller than a texel keeps its mass.
  const mass = Math.min(1, (r * size) ** 2 / radius ** 2);
  const reach = Math.ceil(3 * radius);
  for (let j = Math.floor(cy) - reach; j <= cy + reach; j++)
    for (let i = Math.floor(cx) - reach; i <= cx + reach; i++) {
      if (i < 0 || j < 0 || i >= size || j >= size) continue;
      const g = mass * Math.exp(-((i + 0.5 - cx) ** 2 + (j + 0.5 - cy) ** 2) / (2 * radius * radius));
      for (let c = 0; c < 3; c++) data[3 * (j * size + i) + c] += g * colour[c];
    }
}

/** A beard below a border that rises to the sides, from none to full. */
function beard(
  data: Float32Array,
  size: number,
  random: Random,
  across: (x: number) => number,
  down: (y: number) => number,
): void {
  const amount = random.uniform() < 0.45 ? 0.05 + 0.3 * random.uniform() : 0;
  const border = 0.66 + 0.12 * random.uniform();
  const rise = 0.1 + 0.3 * random.uniform();
  const grey = 0.25 + 0.3 * random.uniform();
  if (amount === 0) return;
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const u = ((x + 0.5) / size - across(0.5)) / (across(1) - across(0.5));
      const v = ((y + 0.5) / size - down(0)) / (down(1) - down(0));
      const k = amount * smoothstep(-0.03, 0.03, v - border + rise * Math.abs(u)) * (Math.abs(u) < 1 ? 1 : 0);
      if (k === 0) continue;
      for (let c = 0; c < 3; c++) {
        const o = 3 * (y * size + x) + c;
        data[o] += k * (grey * 0.6 - data[o]);
      }
    }
}

/** One side tanned or blushing a little more than the other, smoothly. */
function uneven(data: Float32Array, size: number, random: Random): void {
  const a = 0.012 * random.normal();
  const waves = Array.from({ length: 4 }, () => ({
    fx: 4 * random.normal(),
    fy: 4 * random.normal(),
    phase: 6.3 * random.uniform(),
    k: [0.006 * random.normal(), 0.008 * random.normal(), 0.008 * random.normal()],
  }));
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const [u, v] = [(x + 0.5) / size, (y + 0.5) / size];
      const o = 3 * (y * size + x);
      for (let c = 0; c < 3; c++) data[o + c] += a * (2 * u - 1);
      for (const { fx, fy, phase, k } of waves) {
        const s = Math.sin(fx * u + fy * v + phase);
        for (let c = 0; c < 3; c++) data[o + c] += s * k[c];
      }
    }
}

/** (size,size) what a photo of the head from a random side shows. */
function look(
  kernels: Kernels,
  model: HeadModel,
  graph: TexelGraph,
  face: Uint8Array,
  random: Random,
): Uint8Array {
  const params = neutralParams(model);
  for (let s = 0; s < Math.min(20, params.identity.length); s++) params.identity[s] = 0.7 * random.normal();
  const yaw = (random.uniform() < 0.5 ? 1 : -1) * (0.05 + 0.85 * random.uniform());
  params.pose.set([0.15 * random.normal(), yaw, 0.1 * random.normal()]);
  const { vertices } = poseHead(model, params);
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 1; i < vertices.length; i += 3) {
    low = Math.min(low, vertices[i]);
    high = Math.max(high, vertices[i]);
  }
  const scale = (0.9 * VIEW) / (high - low);
  const camera = {
    kind: 'orthographic',
    scale,
    principal: [VIEW / 2, VIEW / 2],
    translation: [0, -(low + high) / 2, -1],
  } as const;
  const raster = rasterMesh(kernels, vertices, model.faces, camera, VIEW, VIEW);
  const depth = new Float32Array(VIEW * VIEW).fill(Number.NEGATIVE_INFINITY);
  for (let p = 0; p < depth.length; p++) {
    const f = raster.faceIndex[p];
    if (f < 0) continue;
    depth[p] = 0;
    for (let a = 0; a < 3; a++)
      depth[p] += raster.barycentrics[3 * p + a] * vertices[3 * model.faces[3 * f + a] + 2];
  }
  // Fringe, or a hand: an ellipse before the face.
  const hidden = random.uniform() < 0.35;
  const blob = {
    x: VIEW * (0.5 + 0.2 * random.normal()),
    y: VIEW * (0.35 + 0.25 * random.uniform()),
    rx: VIEW * (0.04 + 0.12 * random.uniform()),
    ry: VIEW * (0.04 + 0.12 * random.uniform()),
  };
  const points = nodePoints(graph, model, vertices);
  const normals = nodePoints(graph, model, vertexNormals(vertices, model.faces));
  const out = new Uint8Array(face.length);
  graph.texels.forEach((t, i) => {
    if (!face[t]) return;
    const x = VIEW / 2 + scale * points[3 * i];
    const y = VIEW / 2 - scale * (points[3 * i + 1] - (low + high) / 2);
    if (hidden && ((x - blob.x) / blob.rx) ** 2 + ((y - blob.y) / blob.ry) ** 2 < 1) return;
    const p = Math.floor(y) * VIEW + Math.floor(x);
    if (!(depth[p] - points[3 * i + 2] < 0.006)) return;
    const n = Math.hypot(normals[3 * i], normals[3 * i + 1], normals[3 * i + 2]);
    out[t] = 255 * smoothstep(0.15, 0.5, normals[3 * i + 2] / n);
  });
  return out;
}
