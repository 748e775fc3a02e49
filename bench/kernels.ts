// Times of the kernels at the sizes a fit has: node scripts/run.mjs bench/kernels.ts [NAME]
// Medians and best of repeated runs: plain build on one thread, relaxed build on one and on two. Where python3 has numpy,
// OpenBLAS's float32 AᵀA and AᵀB on one and two threads are timed in the same run and given as ratios, best to best.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRandom } from '../src/core/random.ts';
import { blendshapes } from '../src/kernels/blendshapes.ts';
import { dampedEquations } from '../src/kernels/damped.ts';
import { gemmTN, matrixF32, symmetricTN, syrkTN } from '../src/kernels/gemm.ts';
import { createRasterizeOutput, rasterize } from '../src/kernels/rasterize.ts';
import { createKernelsSync, type Kernels } from '../src/kernels/runtime.ts';
import { sampleBilinear } from '../src/kernels/sample.ts';
import { multiplySparse } from '../src/kernels/sparse.ts';
import {
  accumulateVertexBlocks,
  createVertexBlocks,
  multiplyVertexBlocks,
} from '../src/kernels/vertex-blocks.ts';
import { choleskyFactor } from '../src/linalg/cholesky.ts';
import { symmetricEigen } from '../src/linalg/eigen.ts';
import { startKernelWorker } from '../src/node/kernel-workers.ts';
import { enableRelaxedSimd } from '../src/node/relaxed-simd.ts';
import { resampleCrop } from '../src/render/resample.ts';

enableRelaxedSimd();
const random = createRandom(1);
const normals = (length: number) => Float32Array.from({ length }, () => random.normal());

/** Milliseconds: median and best of as many runs as fit into half a second, 5 at least. */
function time(body: () => void): { median: number; best: number } {
  body();
  body();
  const times: number[] = [];
  const until = performance.now() + 500;
  while (times.length < 5 || (performance.now() < until && times.length < 500)) {
    const started = performance.now();
    body();
    times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  return { median: times[times.length >> 1], best: times[0] };
}

/** A head-sized sphere with about `count` faces as screen positions: back half culled, as in a fit. */
function sphere(count: number, size: number) {
  const rings = Math.round(Math.sqrt(count / 4));
  const segments = 2 * rings;
  const positions: number[] = [];
  const faces: number[] = [];
  for (let r = 0; r <= rings; r++) {
    for (let s = 0; s <= segments; s++) {
      const [a, b] = [(Math.PI * r) / rings, (2 * Math.PI * s) / segments];
      const q = 1 / (4 - Math.sin(a) * Math.cos(b));
      positions.push(
        size * (0.5 + 1.4 * Math.sin(a) * Math.sin(b) * q),
        size * (0.5 - 1.4 * Math.cos(a) * q),
        q,
      );
      if (r < rings && s < segments) {
        const i = r * (segments + 1) + s;
        faces.push(i, i + segments + 1, i + segments + 2, i, i + segments + 2, i + 1);
      }
    }
  }
  return { positions, faces };
}

/** A grid of vertices with two triangles per cell, edges numbered; as the skin part of a head. */
function grid(side: number) {
  const edges: number[] = [];
  const edgeOf = new Map<number, number>();
  const edge = (i: number, j: number) => {
    const key = Math.min(i, j) * side * side + Math.max(i, j);
    if (!edgeOf.has(key)) {
      edgeOf.set(key, edges.length / 2);
      edges.push(i, j);
    }
    return edgeOf.get(key)!;
  };
  const corners: number[][] = [];
  for (let y = 0; y + 1 < side; y++) {
    for (let x = 0; x + 1 < side; x++) {
      const i = y * side + x;
      corners.push([i, i + 1, i + side], [i + 1, i + side + 1, i + side]);
    }
  }
  const triangleEdges = corners.map(([a, b, c]) => [edge(a, b), edge(b, c), edge(c, a)]);
  return { vertices: side * side, corners, triangleEdges, edges: Uint32Array.from(edges) };
}

/** A positive definite matrix. */
function positive(n: number) {
  const g = normals(n * n);
  const hessian = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      for (let k = 0; k < n; k++) hessian[i * n + j] += g[i * n + k] * g[j * n + k];
    }
    hessian[i * n + i] += n;
  }
  return { hessian };
}

type Task = readonly [name: string, body: (kernels: Kernels) => () => void];

const tasks: Task[] = [
  ...[224, 512, 1024].map(
    (size): Task => [
      `rasterize 10k faces, ${size}²`,
      (kernels) => {
        const { positions, faces } = sphere(10_000, size);
        const output = createRasterizeOutput(kernels, size, size);
        const arrays = {
          positions: kernels.f32(positions),
          faces: kernels.u32(faces),
          width: size,
          height: size,
        };
        return () => rasterize(kernels, { ...arrays, cull: 'back', perspective: true }, output);
      },
    ],
  ),
  [
    'blendshapes 15,069 × 400',
    (kernels) => {
      const n = 15_069;
      const [base, basis, c, out] = [normals(n), normals(n * 400), normals(400), n].map((x) =>
        kernels.f32(x),
      );
      return () => blendshapes(kernels, base, basis, c, out);
    },
  ],
  [
    'sampleBilinear 50,000 points, RGB',
    (kernels) => {
      const image = { data: kernels.f32(normals(3 * 512 * 512)), width: 512, height: 512, channels: 3 };
      const points = kernels.f32(Float32Array.from({ length: 100_000 }, () => 512 * random.uniform()));
      const out = kernels.f32(150_000);
      return () => sampleBilinear(kernels, image, points, out);
    },
  ],
  [
    'sampleBilinear with derivatives',
    (kernels) => {
      const image = { data: kernels.f32(normals(3 * 512 * 512)), width: 512, height: 512, channels: 3 };
      const points = kernels.f32(Float32Array.from({ length: 100_000 }, () => 512 * random.uniform()));
      const [out, dx, dy] = [kernels.f32(150_000), kernels.f32(150_000), kernels.f32(150_000)];
      return () => sampleBilinear(kernels, image, points, out, { dx, dy });
    },
  ],
  [
    'syrk 30,000 × 256',
    (kernels) => {
      const a = matrixF32(kernels.f32(normals(30_000 * 256)), 30_000, 256);
      const c = kernels.f64(256 * 256);
      return () => syrkTN(kernels, a, c, { accumulate: false });
    },
  ],
  [
    'symmetric 30,000 × 256',
    (kernels) => {
      const a = matrixF32(kernels.f32(normals(30_000 * 256)), 30_000, 256);
      const b = matrixF32(kernels.f32(normals(30_000 * 256)), 30_000, 256);
      const c = kernels.f64(256 * 256);
      return () => symmetricTN(kernels, a, b, c, { accumulate: false });
    },
  ],
  [
    'gemm 10,000 × (200, 120)',
    (kernels) => {
      const a = matrixF32(kernels.f32(normals(10_000 * 200)), 10_000, 200);
      const b = matrixF32(kernels.f32(normals(10_000 * 120)), 10_000, 120);
      const c = kernels.f64(200 * 120);
      return () => gemmTN(kernels, a, b, c, { accumulate: false });
    },
  ],
  [
    'vertex blocks, 15,000 samples × 48',
    (kernels) => {
      const { vertices, corners, triangleEdges, edges } = grid(46);
      const triangles = Array.from({ length: 15_000 }, (_, i) => Math.floor((i / 15_000) * corners.length));
      const [columns, stride] = [48, 56];
      const output = createVertexBlocks(kernels, vertices, edges.length / 2, columns);
      const samples = {
        corners: kernels.u32(triangles.flatMap((t) => corners[t])),
        edges: kernels.u32(triangles.flatMap((t) => triangleEdges[t])),
        barycentrics: kernels.f32(new Float32Array(45_000).fill(1 / 3)),
        jacobian: kernels.f32(normals(45_000 * stride)),
        stride,
        columns,
      };
      return () => accumulateVertexBlocks(kernels, samples, output);
    },
  ],
  [
    'block product, 2,116 vertices × 152',
    (kernels) => {
      const { vertices, edges } = grid(46);
      const output = createVertexBlocks(kernels, vertices, edges.length / 2, 0);
      output.blocks.view.set(normals(output.blocks.length));
      const frames = kernels.f32(normals(8 * vertices));
      const p = kernels.f32(normals(4 * vertices * 152));
      const y = kernels.f32(4 * vertices * 152);
      return () => multiplyVertexBlocks(kernels, output, edges, frames, p, 152, y);
    },
  ],
  ...[128, 256, 400].map(
    (n): Task => [
      `damped step, n = ${n}`,
      (kernels) => {
        const { hessian } = positive(n);
        const held = new Float64Array(n);
        const index = Uint32Array.from(held, (_, i) => i);
        const equations = dampedEquations(kernels, hessian, new Float64Array(n).fill(1));
        return () => void equations.solve(index, held, 1e-3);
      },
    ],
  ),
  [
    'sparse, 10,000 rows of 20 × 150',
    (kernels) => {
      const columns = Array.from({ length: 200_000 }, (_, e) => Math.floor(e / 20 / 1.7) + random.below(40));
      const s = {
        rowStart: kernels.u32(Array.from({ length: 10_001 }, (_, r) => 20 * r)),
        columns: kernels.u32(columns),
        values: kernels.f32(normals(200_000)),
      };
      const x = matrixF32(kernels.f32(normals(6000 * 150)), 6000, 150);
      const y = matrixF32(kernels.f32(10_000 * 150), 10_000, 150);
      return () => multiplySparse(kernels, s, x, y);
    },
  ],
];

/** Plain TypeScript on the way of a fit. */
const plainTasks: readonly (readonly [name: string, body: () => void])[] = [
  ...[128, 256, 400].map((n) => {
    const { hessian } = positive(n);
    const l = new Float64Array(n * n);
    return [`Cholesky in TypeScript, n = ${n}`, () => void choleskyFactor(hessian, n, l)] as const;
  }),
  ...[100, 300].map((n) => {
    const a = Float64Array.from({ length: n * n }, (_, i) =>
      Math.sin((Math.floor(i / n) + 1) * ((i % n) + 1)),
    );
    return [`symmetric eigen, n = ${n}`, () => void symmetricEigen(a, n)] as const;
  }),
  [
    'resample 1024² to 256²',
    (() => {
      const image = { width: 1024, height: 1024, data: new Uint8ClampedArray(4 * 1024 * 1024).fill(90) };
      return () => void resampleCrop(image, { origin: [0, 0], scale: 0.25, size: 256 });
    })(),
  ],
];

/** OpenBLAS's best of 7 on `threads`, milliseconds, by task; empty without numpy. */
function openblas(threads: number): Record<string, number> {
  const script = `
import json, time
import numpy as np
from scipy.linalg.blas import ssyrk
def best(f):
    f(); times = []
    for _ in range(7):
        t = time.perf_counter(); f(); times.append(time.perf_counter() - t)
    return 1e3 * min(times)
r = np.random.default_rng(1)
a = np.asfortranarray(r.standard_normal((30000, 256), dtype=np.float32))
g, h = (r.standard_normal((10000, n), dtype=np.float32) for n in (200, 120))
print(json.dumps({'syrk 30,000 × 256': best(lambda: ssyrk(1.0, a, trans=1)), 'gemm 10,000 × (200, 120)': best(lambda: g.T @ h)}))
`;
  const n = String(threads);
  const env = { ...process.env, OPENBLAS_NUM_THREADS: n, OMP_NUM_THREADS: n, PYTHONIOENCODING: 'utf8' };
  const run = spawnSync('python3', ['-c', script], { env, encoding: 'utf8' });
  return run.status === 0 ? JSON.parse(run.stdout) : {};
}

const only = process.argv[2];
const peers = [openblas(1), openblas(2)];
const header = [
  'task',
  'plain ms',
  'plain best',
  'relaxed',
  'relaxed best',
  '2 threads',
  '2 threads best',
  'OpenBLAS',
  'OpenBLAS 2',
  '1:1',
  '2:2',
];
const rows = [header];
for (const [name, body] of tasks) {
  if (only && !name.includes(only)) continue;
  const times = [
    { relaxed: false, threads: 1 },
    { relaxed: true, threads: 1 },
    { relaxed: true, threads: 2 },
  ].map((options) => {
    const kernels = createKernelsSync({ ...options, startWorker: startKernelWorker });
    const measured = time(body(kernels));
    kernels.close();
    return measured;
  });
  const [one, two] = peers.map((peer) => peer[name]);
  const ratio = (peer: number | undefined, own: number) => (peer ? (peer / own).toFixed(2) : '');
  rows.push([
    name,
    ...times.flatMap(({ median, best }) => [median.toFixed(3), best.toFixed(3)]),
    one?.toFixed(3) ?? '',
    two?.toFixed(3) ?? '',
    ratio(one, times[1].best),
    ratio(two, times[2].best),
  ]);
}
for (const [name, body] of plainTasks) {
  if (only && !name.includes(only)) continue;
  const plain = time(body);
  rows.push([name, plain.median.toFixed(3), plain.best.toFixed(3), ...header.slice(3).map(() => '')]);
}
const widths = header.map((_, c) => Math.max(...rows.map((row) => row[c].length)));
for (const row of rows) {
  console.log(row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]) : cell.padStart(widths[c]))).join('  '));
}
if (process.env.PHOTOFIT_BENCH_TABLE) writeFileSync(process.env.PHOTOFIT_BENCH_TABLE, JSON.stringify(rows));
