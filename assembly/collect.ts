// Pixels of a rasterised mesh as points on its surface, with vertices and edges numbered in the order in which they
// are met; the conventions are in src/kernels/collect.ts. Addresses and sizes come in one structure.

/** Fields in the order of src/kernels/collect.ts; all 4 bytes. */
@unmanaged
class Job {
  /** (height,width) i32 and (height,width,3) f32 of the rasteriser. */
  faceIndex: usize;
  barycentrics: usize;
  width: i32;
  height: i32;
  /** (F) u8 1 for faces that count, (F,3) u32 corners, u32 edges, u32 texture corners; (U,2) f32. */
  wanted: usize;
  faces: usize;
  edges: usize;
  textureFaces: usize;
  textureCoordinates: usize;
  /** Texels across and down, that the coordinates are multiplied by. */
  textureWidth: f32;
  textureHeight: f32;
  /** (V) i32 slot of each vertex; (slots,4) f32 normals by slot; (V,3) f32. */
  slots: usize;
  normals: usize;
  vertices: usize;
  /** Position of the viewer; the direction towards him if `parallel`. */
  viewerX: f32;
  viewerY: f32;
  viewerZ: f32;
  parallel: i32;
  /** (height,width) f32 weights, or 0. */
  mask: usize;
  /** 1: pixels next to a border are left out and grazing ones count less. */
  careful: i32;
  /** (height,width) u8. */
  plane: usize;
  /** Outputs, see `collectSamples` of src/kernels/collect.ts. */
  corners: usize;
  sampleEdges: usize;
  sampleBarycentrics: usize;
  weights: usize;
  points: usize;
  pixels: usize;
  /** (slots) and (edges) i32, −1 to begin with. */
  vertexNumbers: usize;
  edgeNumbers: usize;
  /** (slots) u32 slots met; (edges,2) u32 numbers of their ends. */
  active: usize;
  edgeEnds: usize;
  /** 2 u32: vertices and edges met. */
  counts: usize;
}

/** f32 number i at `a`. */
// @ts-ignore: decorator
@inline
function f(a: usize, i: u32): f32 {
  return load<f32>(a + (<usize>i << 2));
}

/** u32 number i at `a`. */
// @ts-ignore: decorator
@inline
function u(a: usize, i: u32): u32 {
  return load<u32>(a + (<usize>i << 2));
}

/** Cosine between the interpolated normal and the direction to the viewer. */
function facing(job: Job, v0: u32, v1: u32, v2: u32, b0: f32, b1: f32, b2: f32): f32 {
  const normals = job.normals, vertices = job.vertices;
  const n0 = 4 * u(job.slots, v0), n1 = 4 * u(job.slots, v1), n2 = 4 * u(job.slots, v2);
  const nx = b0 * f(normals, n0) + b1 * f(normals, n1) + b2 * f(normals, n2);
  const ny = b0 * f(normals, n0 + 1) + b1 * f(normals, n1 + 1) + b2 * f(normals, n2 + 1);
  const nz = b0 * f(normals, n0 + 2) + b1 * f(normals, n1 + 2) + b2 * f(normals, n2 + 2);
  const n = max(sqrt<f32>(nx * nx + ny * ny + nz * nz), <f32>1e-12);
  let x = job.viewerX, y = job.viewerY, z = job.viewerZ;
  if (!job.parallel) {
    const p0 = 3 * v0, p1 = 3 * v1, p2 = 3 * v2;
    x -= b0 * f(vertices, p0) + b1 * f(vertices, p1) + b2 * f(vertices, p2);
    y -= b0 * f(vertices, p0 + 1) + b1 * f(vertices, p1 + 1) + b2 * f(vertices, p2 + 1);
    z -= b0 * f(vertices, p0 + 2) + b1 * f(vertices, p1 + 2) + b2 * f(vertices, p2 + 2);
  }
  return (nx * x + ny * y + nz * z) / (n * sqrt<f32>(x * x + y * y + z * z));
}

/** Number of the vertex in `slot`. */
// @ts-ignore: decorator
@inline
function numberVertex(job: Job, slot: u32): u32 {
  const at = job.vertexNumbers + (<usize>slot << 2);
  let number = load<i32>(at);
  if (number < 0) {
    number = load<i32>(job.counts);
    store<i32>(job.counts, number + 1);
    store<i32>(at, number);
    store<u32>(job.active + (<usize>number << 2), slot);
  }
  return number;
}

/** Number of `edge`, between the numbered vertices i and j. */
// @ts-ignore: decorator
@inline
function numberEdge(job: Job, edge: u32, i: u32, j: u32): u32 {
  const at = job.edgeNumbers + (<usize>edge << 2);
  let number = load<i32>(at);
  if (number < 0) {
    number = load<i32>(job.counts, 4);
    store<i32>(job.counts, number + 1, 4);
    store<i32>(at, number);
    const ends = job.edgeEnds + (<usize>number << 3);
    store<u32>(ends, i);
    store<u32>(ends, j, 4);
  }
  return number;
}

/** Collects samples; returns how many. */
export function collectSamples(address: usize): i32 {
  const job = changetype<Job>(address);
  const width = job.width, height = job.height;
  const plane = job.plane;
  for (let p: i32 = 0, end = width * height; p < end; p++) {
    const face = load<i32>(job.faceIndex + (<usize>p << 2));
    store<u8>(plane + <usize>p, face >= 0 ? load<u8>(job.wanted + <usize>face) : 0);
  }
  const careful = job.careful;
  let n: i32 = 0;
  for (let y: i32 = careful; y < height - careful; y++) {
    for (let x: i32 = careful; x < width - careful; x++) {
      const p = y * width + x;
      const at = plane + <usize>p;
      if (load<u8>(at) == 0) continue;
      let w: f32 = 1;
      if (job.mask) {
        w = f(job.mask, p);
        if (!(w > 0)) continue;
      }
      if (careful) {
        const above = at - <usize>width, below = at + <usize>width;
        const all =
          load<u8>(at - 1) & load<u8>(at, 1) & load<u8>(above - 1) & load<u8>(above) & load<u8>(above, 1) &
          load<u8>(below - 1) & load<u8>(below) & load<u8>(below, 1);
        if (all == 0) continue;
      }
      const face = 3 * u(job.faceIndex, p);
      const beta = job.barycentrics + <usize>p * 12;
      const b0 = load<f32>(beta), b1 = load<f32>(beta, 4), b2 = load<f32>(beta, 8);
      const v0 = u(job.faces, face), v1 = u(job.faces, face + 1), v2 = u(job.faces, face + 2);
      if (careful) {
        w *= min(max((facing(job, v0, v1, v2, b0, b1, b2) - <f32>0.1) / <f32>0.3, 0), 1);
        if (!(w > 0)) continue;
      }
      store<f32>(job.weights + (<usize>n << 2), w);
      store<u32>(job.pixels + (<usize>n << 2), p);
      const o = <usize>n * 12;
      store<f32>(job.sampleBarycentrics + o, b0);
      store<f32>(job.sampleBarycentrics + o, b1, 4);
      store<f32>(job.sampleBarycentrics + o, b2, 8);
      const i0 = numberVertex(job, u(job.slots, v0));
      const i1 = numberVertex(job, u(job.slots, v1));
      const i2 = numberVertex(job, u(job.slots, v2));
      store<u32>(job.corners + o, i0);
      store<u32>(job.corners + o, i1, 4);
      store<u32>(job.corners + o, i2, 8);
      store<u32>(job.sampleEdges + o, numberEdge(job, u(job.edges, face), i0, i1));
      store<u32>(job.sampleEdges + o, numberEdge(job, u(job.edges, face + 1), i1, i2), 4);
      store<u32>(job.sampleEdges + o, numberEdge(job, u(job.edges, face + 2), i2, i0), 8);
      const t0 = 2 * u(job.textureFaces, face), t1 = 2 * u(job.textureFaces, face + 1);
      const t2 = 2 * u(job.textureFaces, face + 2);
      const uv = job.textureCoordinates;
      const point = job.points + (<usize>n << 3);
      store<f32>(point, job.textureWidth * (b0 * f(uv, t0) + b1 * f(uv, t1) + b2 * f(uv, t2)));
      store<f32>(point, job.textureHeight * (b0 * f(uv, t0 + 1) + b1 * f(uv, t1 + 1) + b2 * f(uv, t2 + 1)), 4);
      n++;
    }
  }
  return n;
}
