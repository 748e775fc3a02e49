/**
 * Basel Face Models as files, made from a head: its front, every triangle split into four, turned and moved a little,
 * vertices in another order, with planted colours. Both real formats: MATLAB 5 (written here) and HDF5 (by h5wasm).
 */
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { zlibSync } from 'fflate';
import { createRandom } from '../../src/core/random.ts';
import type { HeadModel, HeadParams } from '../../src/model/head-model.ts';
import { poseHead } from '../../src/model/pose.ts';
import { rotationFromAxisAngle } from '../../src/model/rotation.ts';

/** A mesh with a linear space of vertex colours, and where each of its vertices sits on the head's template. */
export interface PlantedFace {
  /** (V,3) metres. */
  readonly vertices: Float32Array;
  /** (F,3) counter-clockwise. */
  readonly faces: Uint32Array;
  /** (V,3) places on the head's template, metres. */
  readonly places: Float32Array;
  /** (68 or fewer) landmarks by iBUG number, metres. */
  readonly landmarks: ReadonlyMap<number, readonly number[]>;
}

/** The front of a person of the model, who is a little unlike the model's people (2 mm), as another mesh. */
export function makePlantedFace(model: HeadModel, params: HeadParams): PlantedFace {
  const posed = poseHead(model, params).vertices;
  for (let v = 0; v < posed.length; v += 3)
    posed[v + 2] += 0.002 * Math.sin(45 * posed[v] + 1) * Math.cos(40 * posed[v + 1]);
  const outer = model.regions.get('mouth_interior') ?? new Uint32Array();
  const hidden = new Set(
    [outer, ...['teeth', 'tongue', 'eye_sockets'].map((r) => model.regions.get(r) ?? [])].flatMap((r) => [
      ...r,
    ]),
  );
  const kept: number[] = [];
  for (let f = 0; f < model.faces.length; f += 3) {
    const corners = [...model.faces.subarray(f, f + 3)];
    if (
      corners.some(
        (v) => hidden.has(v) || model.template[3 * v + 2] < -0.03 || model.template[3 * v + 1] > 0.12,
      )
    )
      continue;
    kept.push(...corners);
  }
  const places: number[] = [];
  const vertices: number[] = [];
  const known = new Map<string, number>();
  const at = (a: number, b: number): number => {
    const key = a < b ? `${a} ${b}` : `${b} ${a}`;
    const old = known.get(key);
    if (old !== undefined) return old;
    const v = places.length / 3;
    for (let c = 0; c < 3; c++) {
      places.push((model.template[3 * a + c] + model.template[3 * b + c]) / 2);
      vertices.push((posed[3 * a + c] + posed[3 * b + c]) / 2);
    }
    known.set(key, v);
    return v;
  };
  const faces: number[] = [];
  for (let f = 0; f < kept.length; f += 3) {
    const [a, b, c] = kept.slice(f, f + 3);
    const [aa, bb, cc, ab, bc, ca] = [at(a, a), at(b, b), at(c, c), at(a, b), at(b, c), at(c, a)];
    faces.push(aa, ab, ca, ab, bb, bc, ca, bc, cc, ab, bc, ca);
  }
  const V = places.length / 3;
  const random = createRandom(5);
  const order = Array.from({ length: V }, (_, v) => v);
  for (let v = V - 1; v > 0; v--) {
    const w = random.below(v + 1);
    [order[v], order[w]] = [order[w], order[v]];
  }
  const R = rotationFromAxisAngle(0.05, -0.08, 0.03);
  const moved = (p: readonly number[]) =>
    [0, 1, 2].map((i) => R[3 * i] * p[0] + R[3 * i + 1] * p[1] + R[3 * i + 2] * p[2] + 0.01 * (i + 1));
  const out = { vertices: new Float32Array(3 * V), places: new Float32Array(3 * V) };
  for (let v = 0; v < V; v++) {
    out.vertices.set(moved(vertices.slice(3 * v, 3 * v + 3)), 3 * order[v]);
    out.places.set(places.slice(3 * v, 3 * v + 3), 3 * order[v]);
  }
  const { inner51 } = model.landmarks;
  const landmarks = new Map<number, readonly number[]>();
  for (let l = 0; l < 51; l++) {
    const p = [0, 1, 2].map((a) =>
      [0, 1, 2].reduce(
        (s, c) => s + inner51.barycentrics[3 * l + c] * posed[3 * model.faces[3 * inner51.faces[l] + c] + a],
        0,
      ),
    );
    landmarks.set(17 + l, moved(p));
  }
  return { ...out, faces: Uint32Array.from(faces, (v) => order[v]), landmarks };
}

/** Planted colour number k (mean where k is −1) at a place on the template, RGB in [0, 1] or per standard deviation. */
export function plantedColour(k: number, place: ArrayLike<number>): [number, number, number] {
  const [x, y, z] = [place[0], place[1], place[2]];
  const wave = (f: number, phase: number) =>
    Math.sin(f * (x + 0.4 * y) + phase) * Math.cos(0.7 * f * y + 0.3 * f * z);
  if (k < 0) return [0.55 + 0.18 * wave(60, 0.3), 0.45 + 0.15 * wave(50, 1), 0.4 + 0.12 * wave(70, 2)];
  const f = 40 + 25 * k;
  return [0.06 * wave(f, k), 0.05 * wave(f, k + 1), 0.04 * wave(f, k + 2)];
}

/** (V,3) planted colours of all vertices. */
function coloursOf(face: PlantedFace, k: number): Float32Array {
  const V = face.places.length / 3;
  const out = new Float32Array(3 * V);
  for (let v = 0; v < V; v++) out.set(plantedColour(k, face.places.subarray(3 * v, 3 * v + 3)), 3 * v);
  return out;
}

/** Number of planted components. */
export const PLANTED = 3;
/** Standard deviations that the files state; the bases are divided by them. */
const SD = [40, 25, 10];

/** A MATLAB array: numbers in Fortran order. */
export interface MatArray {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | Uint8Array | Uint16Array | Int32Array;
  /** Class to say, where it is not that of the data: MATLAB stores whole doubles as bytes. */
  readonly kind?: number;
}

/** A MAT file of version 5. */
export function writeMat(arrays: Readonly<Record<string, MatArray>>, compress: boolean): Uint8Array {
  const head = new Uint8Array(128).fill(0x20, 0, 116);
  head.set(new TextEncoder().encode('MATLAB 5.0 MAT-file, made by a test'));
  head.set([0x00, 0x01, 0x49, 0x4d], 124);
  const parts: Uint8Array[] = [head];
  for (const [name, array] of Object.entries(arrays)) {
    const matrix = element(14, matrixBody(name, array), true);
    parts.push(compress ? element(15, zlibSync(matrix), false) : matrix);
  }
  return new Uint8Array(Buffer.concat(parts));
}

function matrixBody(name: string, { shape, data, kind }: MatArray): Uint8Array {
  const [type, own] =
    data instanceof Float32Array
      ? [7, 7]
      : data instanceof Float64Array
        ? [9, 6]
        : data instanceof Uint8Array
          ? [2, 9]
          : data instanceof Uint16Array
            ? [4, 11]
            : [5, 12];
  const bytes = (x: ArrayBufferView) => new Uint8Array(x.buffer, x.byteOffset, x.byteLength);
  return new Uint8Array(
    Buffer.concat([
      element(6, bytes(Uint32Array.of(kind ?? own, 0)), true),
      element(5, bytes(Int32Array.from(shape)), true),
      element(1, new TextEncoder().encode(name), true),
      element(type, bytes(data), true),
    ]),
  );
}

function element(type: number, body: Uint8Array, pad: boolean): Uint8Array {
  const small = body.length > 0 && body.length <= 4 && type !== 14 && type !== 15;
  const length = small ? 8 : 8 + (pad ? 8 * Math.ceil(body.length / 8) : body.length);
  const out = new Uint8Array(length);
  const view = new DataView(out.buffer);
  if (small) {
    view.setUint32(0, (body.length << 16) | type, true);
    out.set(body, 4);
  } else {
    view.setUint32(0, type, true);
    view.setUint32(4, body.length, true);
    out.set(body, 8);
  }
  return out;
}

/** The arrays of 01_MorphableModel.mat: µm, 0…255, clockwise triangles from 1. */
export function bfm2009Arrays(face: PlantedFace): Record<string, MatArray> {
  const rows = face.vertices.length;
  const F = face.faces.length / 3;
  const texPC = new Float32Array(rows * PLANTED);
  for (let k = 0; k < PLANTED; k++) {
    const values = coloursOf(face, k);
    for (let i = 0; i < rows; i++) texPC[k * rows + i] = (255 * values[i]) / SD[k];
  }
  const tl = new Float64Array(3 * F);
  for (let f = 0; f < F; f++) {
    tl[f] = face.faces[3 * f] + 1;
    tl[F + f] = face.faces[3 * f + 2] + 1;
    tl[2 * F + f] = face.faces[3 * f + 1] + 1;
  }
  return {
    shapeEV: { shape: [2, 1], data: Float32Array.of(1, 1) },
    shapePC: { shape: [rows, 2], data: new Float32Array(2 * rows) },
    shapeMU: { shape: [rows, 1], data: face.vertices.map((x) => 1e6 * x) },
    texEV: { shape: [PLANTED, 1], data: Float32Array.from(SD) },
    texPC: { shape: [rows, PLANTED], data: texPC },
    texMU: { shape: [rows, 1], data: coloursOf(face, -1).map((x) => 255 * x) },
    tl: { shape: [F, 3], data: tl },
    segbin: { shape: [1, 4], data: Uint8Array.of(1, 0, 1, 0), kind: 6 },
  };
}

const BASEL_NAMES: Readonly<Record<string, number>> = {
  'center.nose.tip': 30,
  'right.eye.corner_outer': 36,
  'right.eye.corner_inner': 39,
  'left.eye.corner_inner': 42,
  'left.eye.corner_outer': 45,
  'right.lips.corner': 48,
  'center.lips.upper.outer': 51,
  'left.lips.corner': 54,
  'center.lips.lower.outer': 57,
};

/** A file like model2017-1_bfm_nomouth.h5: mm, 0…1, cells (3,F). */
export async function writeBfmH5(
  face: PlantedFace,
  options: { landmarks?: boolean } = {},
): Promise<Uint8Array> {
  const h5 = await import('h5wasm/node');
  await h5.ready;
  const file = path.join(tmpdir(), `photofit-test-${process.pid}-${Math.random().toString(36).slice(2)}.h5`);
  const rows = face.vertices.length;
  const F = face.faces.length / 3;
  const out = new h5.File(file, 'w');
  try {
    const put = (name: string, data: Float32Array | Int32Array | string, shape?: number[]) => {
      const parts = name.split('/');
      let group: InstanceType<typeof h5.Group> = out;
      for (const part of parts.slice(0, -1)) {
        const next = group.keys().includes(part) ? group.get(part) : group.create_group(part);
        group = next as InstanceType<typeof h5.Group>;
      }
      group.create_dataset({ name: parts[parts.length - 1], data, ...(shape && { shape }) });
    };
    const basis = (of: (k: number) => Float32Array) => {
      const list = new Float32Array(rows * PLANTED);
      for (let k = 0; k < PLANTED; k++) {
        const values = of(k);
        for (let i = 0; i < rows; i++) list[i * PLANTED + k] = values[i] / SD[k];
      }
      return list;
    };
    const cells = new Int32Array(3 * F);
    for (let f = 0; f < F; f++) for (let c = 0; c < 3; c++) cells[c * F + f] = face.faces[3 * f + c];
    const variance = Float32Array.from(SD, (s) => s * s);
    put('shape/representer/cells', cells, [3, F]);
    for (const [key, mean, of] of [
      ['shape', face.vertices.map((x) => 1000 * x), () => new Float32Array(rows)],
      ['expression', new Float32Array(rows), () => new Float32Array(rows)],
      ['color', coloursOf(face, -1), (k: number) => coloursOf(face, k)],
    ] as const) {
      put(`${key}/model/mean`, mean, [rows]);
      put(`${key}/model/pcaBasis`, basis(of), [rows, PLANTED]);
      put(`${key}/model/pcaVariance`, variance, [PLANTED]);
    }
    if (options.landmarks ?? true)
      put(
        'metadata/landmarks/json',
        JSON.stringify(
          Object.entries(BASEL_NAMES).map(([id, l]) => ({
            id,
            coordinates: (face.landmarks.get(l) ?? []).map((x) => 1000 * x),
          })),
        ),
      );
    out.flush();
  } finally {
    out.close();
  }
  const bytes = readFileSync(file);
  rmSync(file);
  return new Uint8Array(bytes);
}
