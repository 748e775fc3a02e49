/**
 * A small synthetic head for tests: an egg with a nose, two eyeballs and everything a `HeadModel` has, all of it from
 * formulas, so that tests need no file and a reader can tell what a parameter should do. 438 vertices, 864 faces.
 *
 * The skull is a latitude-longitude grid round the origin (a seam at the back, poles at crown and neck): azimuth φ from
 * +z towards +x, u = ½ + φ/2π, v from crown (0) to neck (0.8). Below v = 0.8 lie the eyeballs' patches of the texture.
 */
import type { HeadModel, SurfacePoints } from '../../src/model/head-model.ts';

/** Sizes of the tiny head. */
export interface TinyHeadOptions {
  /** Latitude bands of the skull, default 16. */
  readonly rings?: number;
  /** Longitude steps of the skull, default 24; even. */
  readonly segments?: number;
  /** Texels along each side of the texture, default 32. */
  readonly textureSize?: number;
}

type Vec = [number, number, number];
const EYE_CENTRES: Record<'left' | 'right', Vec> = {
  left: [0.031, 0.025, 0.066],
  right: [-0.031, 0.025, 0.066],
};
const EYE_RADIUS = 0.0125;

/** Builds the head; the same options give the same head. */
export function makeTinyHead(options: TinyHeadOptions = {}): HeadModel {
  const { rings = 16, segments = 24, textureSize = 32 } = options;
  const mesh = new MeshBuilder();
  const part: ('skull' | 'left' | 'right')[] = [];
  addSphere(mesh, rings, segments, skullPoint, (u, v) => [u, 0.8 * v]);
  const skullFaces = mesh.faces.length;
  while (part.length < mesh.vertices.length) part.push('skull');
  for (const side of ['left', 'right'] as const) {
    const [cx, cy, cz] = EYE_CENTRES[side];
    const point = (phi: number, theta: number): Vec => {
      const [x, y, z] = direction(phi, theta);
      return [cx + EYE_RADIUS * x, cy + EYE_RADIUS * y, cz + EYE_RADIUS * z];
    };
    const left = side === 'left' ? 0.5 : 0;
    addSphere(mesh, 5, 9, point, (u, v) => [left + 0.02 + 0.46 * u, 0.82 + 0.17 * v]);
    while (part.length < mesh.vertices.length) part.push(side);
  }

  const template = mesh.vertices;
  const field = (displace: (p: Vec) => Vec): number[] =>
    // Eyeballs move as wholes, by the displacement at their centre.
    template.flatMap((p, v) => displace(part[v] === 'skull' ? p : EYE_CENTRES[part[v] as 'left' | 'right']));
  const joints = [
    { name: 'root', parent: -1 },
    { name: 'neck', parent: 0 },
    { name: 'jaw', parent: 1 },
    { name: 'left_eye', parent: 1 },
    { name: 'right_eye', parent: 1 },
  ];
  const jointTemplate: Vec[] = [
    [0, -0.1, -0.02],
    [0, -0.07, -0.02],
    [0, -0.01, 0.01],
    EYE_CENTRES.left,
    EYE_CENTRES.right,
  ];
  const identity = Object.values(IDENTITY);
  const expression = Object.values(EXPRESSION);

  const ascending = (test: (p: Vec, v: number) => boolean) =>
    Uint32Array.from(template.map((p, v) => (test(p, v) ? v : -1)).filter((v) => v >= 0));
  const isSkull = (v: number) => part[v] === 'skull';
  const isFace = (p: Vec, v: number) => isSkull(v) && p[2] > 0.02 && p[1] > -0.085 && p[1] < 0.075;
  const ray = (phi: number, theta: number): Hit =>
    hitAlong(mesh, 0, skullFaces, [0, 0, 0], direction(phi, theta));
  const eyeFront = (side: 'left' | 'right'): Hit =>
    hitAlong(mesh, skullFaces, mesh.faces.length, EYE_CENTRES[side], [0, 0, 1]);

  const yaws = [-0.7, -0.35, 0, 0.35, 0.7];
  return {
    name: 'tiny-head',
    hash: '0'.repeat(64),
    license: 'CC0-1.0',
    template: Float32Array.from(template.flat()),
    faces: Uint32Array.from(mesh.faces.flat()),
    uvs: Float32Array.from(mesh.uvs.flat()),
    faceUvs: Uint32Array.from(mesh.faceUvs.flat()),
    identityBasis: Float32Array.from(identity.flatMap(field)),
    identityNames: Object.keys(IDENTITY),
    expressionBasis: Float32Array.from(
      expression.flatMap((displace) => template.flatMap((p, v) => (isSkull(v) ? displace(p) : [0, 0, 0]))),
    ),
    expressionNames: Object.keys(EXPRESSION),
    expressionSd: Float32Array.from(expression, () => 0.35),
    expressionRange: Float32Array.from(expression.flatMap(() => [0, 1])),
    joints,
    jointTemplate: Float32Array.from(jointTemplate.flat()),
    jointIdentityBasis: Float32Array.from(
      identity.flatMap((displace) => jointTemplate.flatMap((p) => displace(p))),
    ),
    jointExpressionBasis: new Float32Array(3 * joints.length * expression.length),
    poseBasis: null,
    skinWeights: Float32Array.from(template.flatMap((p, v) => weights(p, part[v]))),
    landmarks: {
      inner51: surfacePoints(INNER51.map(([x, y]) => ray(x, Math.PI / 2 - y))),
      contour: {
        yaws: Float32Array.from(yaws),
        points: surfacePoints(
          yaws.flatMap((yaw) => contourAngles(yaw).map(([phi, theta]) => ray(phi, theta))),
        ),
      },
      mesh: {
        indices: Uint32Array.from([...MESH.map(([index]) => index), 468, 473]),
        points: surfacePoints([
          ...MESH.map(([, x, y]) => ray(x, Math.PI / 2 - y)),
          eyeFront('right'),
          eyeFront('left'),
        ]),
      },
    },
    texture: makeTexture(textureSize),
    regions: new Map([
      ['face', ascending(isFace)],
      ['skin', ascending((p, v) => isFace(p, v) && p[1] < 0.06)],
      ['left_eyeball', ascending((_, v) => part[v] === 'left')],
      ['right_eyeball', ascending((_, v) => part[v] === 'right')],
      ['scalp', ascending((p, v) => isSkull(v) && (p[1] >= 0.075 || p[2] < -0.03))],
      ['neck', ascending((p, v) => isSkull(v) && p[1] <= -0.09)],
    ]),
  };

  function weights(p: Vec, of: string): number[] {
    if (of === 'left') return [0, 0, 0, 1, 0];
    if (of === 'right') return [0, 0, 0, 0, 1];
    const root = smooth(-0.085, -0.11, p[1]);
    const jaw = (1 - root) * smooth(-0.02, -0.06, p[1]) * smooth(0, 0.05, p[2]);
    return [root, 1 - root - jaw, jaw, 0, 0];
  }

  function surfacePoints(hits: Hit[]): SurfacePoints {
    return {
      faces: Uint32Array.from(hits, (h) => h.face),
      barycentrics: Float32Array.from(hits.flatMap((h) => h.barycentric)),
    };
  }
}

/** Displacement fields, metres per standard deviation at a point of the template. */
const IDENTITY: Record<string, (p: Vec) => Vec> = {
  size: ([x, y, z]) => [0.04 * x, 0.04 * y, 0.04 * z],
  width: ([x]) => [0.05 * x, 0, 0],
  height: ([, y]) => [0, 0.04 * y, 0],
  nose: (p) => [0, 0, 0.004 * bump(p, [0, -0.005, 0.1], 0.02)],
  jaw_width: (p) => [0.08 * p[0] * smooth(0, -0.06, p[1]), 0, 0],
  cheek_right: (p) => [
    -0.003 * bump(p, [-0.045, -0.01, 0.07], 0.025),
    0,
    0.002 * bump(p, [-0.045, -0.01, 0.07], 0.025),
  ],
};

/** Displacement fields, metres at full strength. */
const EXPRESSION: Record<string, (p: Vec) => Vec> = {
  jawOpen: (p) => [0, -0.012 * smooth(-0.035, -0.06, p[1]) * smooth(0.02, 0.06, p[2]), 0],
  mouthSmile: (p) => {
    const s = bump(p, [0.028, -0.042, 0.075], 0.018) - bump(p, [-0.028, -0.042, 0.075], 0.018);
    return [0.006 * s, 0.005 * Math.abs(s), 0];
  },
  browInnerUp: (p) => [0, 0.006 * bump(p, [0, 0.045, 0.09], 0.025), 0],
  cheekPuff: (p) => {
    const s = bump(p, [0.045, -0.025, 0.07], 0.02) - bump(p, [-0.045, -0.025, 0.07], 0.02);
    return [0.006 * s, 0, 0.003 * Math.abs(s)];
  },
};

/** iBUG-68 17…67 as (azimuth, elevation) in radians seen from the origin; right brow first, −x. */
const INNER51: readonly [number, number][] = [
  ...arc(5, (t) => [-0.62 + 0.46 * t, 0.52 + 0.1 * Math.sin(Math.PI * t)]),
  ...arc(5, (t) => [0.16 + 0.46 * t, 0.52 + 0.1 * Math.sin(Math.PI * t)]),
  ...arc(4, (t) => [0, 0.3 - 0.3 * t]),
  ...arc(5, (t) => [-0.15 + 0.3 * t, -0.12 - 0.04 * Math.sin(Math.PI * t)]),
  ...eye(-0.42),
  ...eye(0.42),
  ...ellipse(12, 0, -0.46, 0.3, 0.1),
  ...ellipse(8, 0, -0.46, 0.24, 0.04),
];

/** Face-mesh number, azimuth, elevation. */
const MESH: readonly [number, number, number][] = [
  [1, 0, -0.04],
  [33, -0.56, 0.3],
  [133, -0.28, 0.3],
  [362, 0.28, 0.3],
  [263, 0.56, 0.3],
  [61, -0.3, -0.46],
  [291, 0.3, -0.46],
  [0, 0, -0.38],
  [17, 0, -0.54],
  [152, 0, -0.85],
  [10, 0, 0.75],
  [50, -0.6, -0.1],
  [280, 0.6, -0.1],
];

function arc(n: number, f: (t: number) => [number, number]): [number, number][] {
  return Array.from({ length: n }, (_, i) => f(i / (n - 1)));
}

/** Points of an ellipse as iBUG orders them: from the subject's right corner over the top. */
function ellipse(n: number, x: number, y: number, rx: number, ry: number): [number, number][] {
  return Array.from({ length: n }, (_, i) => {
    const a = Math.PI - (2 * Math.PI * i) / n;
    return [x + rx * Math.cos(a), y + ry * Math.sin(a)];
  });
}

function eye(x: number): [number, number][] {
  return ellipse(6, x, 0.3, 0.14, 0.05);
}

/** Contour landmarks 0…16 for a yaw: the silhouette's azimuths follow the viewer, who sits at φ = −yaw. */
function contourAngles(yaw: number): [number, number][] {
  return Array.from({ length: 17 }, (_, i) => {
    const s = (i - 8) / 8;
    return [1.4 * s - yaw * Math.abs(s), Math.PI / 2 + 0.15 + 0.75 * Math.cos((Math.PI / 2) * s)];
  });
}

class MeshBuilder {
  vertices: Vec[] = [];
  faces: Vec[] = [];
  uvs: [number, number][] = [];
  faceUvs: Vec[] = [];
}

function addSphere(
  mesh: MeshBuilder,
  rings: number,
  segments: number,
  point: (phi: number, theta: number) => Vec,
  uv: (u: number, v: number) => [number, number],
): void {
  const v0 = mesh.vertices.length;
  const t0 = mesh.uvs.length;
  mesh.vertices.push(point(0, 0));
  for (let i = 1; i < rings; i++) {
    for (let j = 0; j < segments; j++) {
      mesh.vertices.push(point(2 * Math.PI * (j / segments) - Math.PI, (Math.PI * i) / rings));
    }
  }
  mesh.vertices.push(point(0, Math.PI));
  for (let i = 0; i <= rings; i++) {
    for (let j = 0; j <= segments; j++) {
      // At the poles each face has a texture vertex of its own, in the middle of its edge.
      const u = i === 0 || i === rings ? Math.min(j + 0.5, segments) / segments : j / segments;
      mesh.uvs.push(uv(u, i / rings));
    }
  }
  const vertex = (i: number, j: number) => {
    if (i === 0) return v0;
    if (i === rings) return v0 + 1 + (rings - 1) * segments;
    return v0 + 1 + (i - 1) * segments + (j % segments);
  };
  const texture = (i: number, j: number) => t0 + i * (segments + 1) + j;
  for (let i = 0; i < rings; i++) {
    for (let j = 0; j < segments; j++) {
      if (i < rings - 1) {
        mesh.faces.push([vertex(i, j), vertex(i + 1, j), vertex(i + 1, j + 1)]);
        mesh.faceUvs.push([texture(i, j), texture(i + 1, j), texture(i + 1, j + 1)]);
      }
      if (i > 0) {
        mesh.faces.push([vertex(i, j), vertex(i + 1, j + 1), vertex(i, j + 1)]);
        mesh.faceUvs.push([texture(i, j), texture(i + 1, i === rings - 1 ? j : j + 1), texture(i, j + 1)]);
      }
    }
  }
}

/** Unit vector at azimuth φ (from +z towards +x) and polar angle θ (from +y). */
function direction(phi: number, theta: number): Vec {
  return [Math.sin(theta) * Math.sin(phi), Math.cos(theta), Math.sin(theta) * Math.cos(phi)];
}

function skullPoint(phi: number, theta: number): Vec {
  const [dx, dy, dz] = direction(phi, theta);
  const p: Vec = [0.078 * dx, 0.115 * dy, 0.095 * dz];
  if (dz > 0) p[2] += 0.018 * bump(p, [0, -0.005, 0.09], 0.02);
  return p;
}

function bump(p: Vec, centre: Vec, width: number): number {
  const d2 = (p[0] - centre[0]) ** 2 + (p[1] - centre[1]) ** 2 + (p[2] - centre[2]) ** 2;
  return Math.exp(-d2 / (2 * width * width));
}

/** 0 at `from`, 1 at `to`, smooth between, whichever is larger. */
function smooth(from: number, to: number, x: number): number {
  const t = Math.min(1, Math.max(0, (x - from) / (to - from)));
  return t * t * (3 - 2 * t);
}

interface Hit {
  readonly face: number;
  readonly barycentric: Vec;
}

/** The outermost hit of a ray with faces first…end−1 (Möller and Trumbore 1997). */
function hitAlong(mesh: MeshBuilder, first: number, end: number, origin: Vec, d: Vec): Hit {
  let best: (Hit & { t: number }) | null = null;
  for (let face = first; face < end; face++) {
    const [a, b, c] = mesh.faces[face].map((v) => mesh.vertices[v]);
    const e1 = subtract(b, a);
    const e2 = subtract(c, a);
    const h = cross(d, e2);
    const det = dot(e1, h);
    if (Math.abs(det) < 1e-15) continue;
    const s = subtract(origin, a);
    const u = dot(s, h) / det;
    const q = cross(s, e1);
    const w = dot(d, q) / det;
    const t = dot(e2, q) / det;
    // A hair of slack: rays through an edge must hit one of its faces.
    if (u < -1e-9 || w < -1e-9 || u + w > 1 + 1e-9 || t <= 0 || (best && t <= best.t)) continue;
    const clamped = [1 - u - w, u, w].map((x) => Math.max(0, x));
    const sum = clamped[0] + clamped[1] + clamped[2];
    best = { face, t, barycentric: clamped.map((x) => x / sum) as Vec };
  }
  if (!best) throw new Error(`tiny head: no surface along (${d})`);
  return best;
}

function subtract(a: Vec, b: Vec): Vec {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}
function cross(a: Vec, b: Vec): Vec {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}
function dot(a: Vec, b: Vec): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/** Skin with lips and brows on the skull, white with a dark iris on the eyeballs; three components. */
function makeTexture(size: number): NonNullable<HeadModel['texture']> {
  const mean: number[] = [];
  const components: number[][] = [[], [], []];
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const u = (column + 0.5) / size;
      const v = (row + 0.5) / size;
      if (v > 0.81) {
        const x = (u % 0.5) * 2 - 0.5;
        const iris = Math.exp(-(x * x + ((v - 0.905) / 0.17) ** 2) / 0.02);
        mean.push(0.9 - 0.7 * iris, 0.9 - 0.65 * iris, 0.9 - 0.6 * iris);
        for (const c of components) c.push(0, 0, 0);
        continue;
      }
      const phi = 2 * Math.PI * (u - 0.5);
      const elevation = Math.PI / 2 - (Math.PI * v) / 0.8;
      const lips = Math.exp(-((phi / 0.25) ** 2) - ((elevation + 0.46) / 0.09) ** 2);
      const brows = Math.exp(-(((Math.abs(phi) - 0.39) / 0.22) ** 2) - ((elevation - 0.56) / 0.06) ** 2);
      const grain = 0.02 * Math.sin(9 * phi) * Math.sin(11 * elevation);
      mean.push(
        0.72 + grain - 0.1 * lips - 0.35 * brows,
        0.54 + grain - 0.2 * lips - 0.28 * brows,
        0.45 + grain - 0.15 * lips - 0.25 * brows,
      );
      components[0].push(0.1, 0.1, 0.1);
      components[1].push(0.03, -0.02, -0.02);
      components[2].push(-0.02 * lips, -0.06 * lips - 0.03 * brows, -0.05 * lips - 0.03 * brows);
    }
  }
  return {
    width: size,
    height: size,
    mean: Float32Array.from(mean),
    basis: Float32Array.from(components.flat()),
    names: ['brightness', 'redness', 'lips'],
  };
}
