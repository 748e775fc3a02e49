/**
 * People who never were, for the bench of texture spaces: a texture space that is known because it is made here, photos of
 * heads that wear random textures of it, and things in front of the faces.
 *
 * The space is the head's own one changed: its mean under a smooth change of tone, half of its components turned into one
 * another, and as much variance again in components that it has not: blotches of blood and pigment over the surface (random
 * waves in space, so that they cross the seams of the map), and those of brows, lips, beard, cheeks and the skin around the
 * eyes. Most of it is symmetric, as skin is, some is not.
 */
import type { Image8 } from '../src/core/image.ts';
import type { Random } from '../src/core/random.ts';
import { createRandom } from '../src/core/random.ts';
import type { HeadModel, TextureSpace } from '../src/model/head-model.ts';
import { nodePoints, type TexelGraph } from '../src/texture/texel-graph.ts';

/** A component of the made space. */
interface Pattern {
  /** sd of the colour along the field, RGB in [0, 1]. */
  readonly colour: readonly [number, number, number];
  /** (n) field over the nodes, about unit root mean square. */
  readonly field: Float32Array;
}

const PIGMENT = [-0.75, -1, -1.05] as const;
const BLOOD = [0.25, -1, -0.8] as const;
const YELLOW = [0.1, 0, -1] as const;
const GREY = [-1, -1, -1] as const;

/** Components that the made space has of its own. */
const NOVEL = 24;

/**
 * The known space over `model`'s map, at the size of its texture.
 * @param graph texels of a map of that size
 */
export function makeKnownSpace(model: HeadModel, graph: TexelGraph, seed: number): TextureSpace {
  const own = model.texture;
  if (!own) throw new Error(`${model.name} has no texture space to change`);
  const { width, height, mean, basis } = own;
  const size = mean.length;
  const random = createRandom(seed);
  const points = nodePoints(graph, model, model.template);
  const skin = skinNodes(graph, model);
  const T = basis.length / size;
  const kept = Math.floor(T / 2);
  const components: Float32Array[] = [];
  for (let k = 0; k < kept; k++) {
    const mixed = new Float32Array(size);
    const turn = Array.from({ length: T }, () => random.normal() / Math.sqrt(T));
    for (let t = 0; t < T; t++) for (let i = 0; i < size; i++) mixed[i] += turn[t] * basis[t * size + i];
    components.push(mixed);
  }
  for (const { colour, field } of patterns(model, points, random)) {
    const map = new Float32Array(size);
    for (let i = 0; i < field.length; i++)
      for (let c = 0; c < 3; c++) map[3 * graph.texels[i] + c] = skin[i] * field[i] * colour[c];
    components.push(map);
  }
  const changed = Float32Array.from(mean);
  const tone = waves(points, random, 0.12, 0.25);
  for (let i = 0; i < tone.length; i++)
    for (let c = 0; c < 3; c++)
      changed[3 * graph.texels[i] + c] +=
        skin[i] * (0.02 * tone[i] * PIGMENT[c] + 0.03 * (c === 0 ? 1 : -0.3));
  const all = new Float32Array(components.length * size);
  components.forEach((map, k) => {
    all.set(map, k * size);
  });
  return { width, height, mean: changed, basis: all, names: components.map((_, k) => `known_${k}`) };
}

/** The novel patterns: waves of falling strength and length, and those of parts of the face. */
function patterns(model: HeadModel, points: Float32Array, random: Random): Pattern[] {
  const scaled = (colour: readonly number[], sd: number) =>
    colour.map((x) => x * sd) as unknown as Pattern['colour'];
  const at = (l: number): [number, number, number] => {
    const { faces, barycentrics } = model.landmarks.inner51;
    const p: [number, number, number] = [0, 0, 0];
    for (let a = 0; a < 3; a++)
      for (let i = 0; i < 3; i++)
        p[i] += barycentrics[3 * (l - 17) + a] * model.template[3 * model.faces[3 * faces[l - 17] + a] + i];
    return p;
  };
  const near = (centres: readonly (readonly number[])[], radius: number) =>
    Float32Array.from({ length: points.length / 3 }, (_, n) => {
      let sum = 0;
      for (const [x, y, z] of centres)
        sum = Math.max(
          sum,
          Math.exp(
            -((points[3 * n] - x) ** 2 + (points[3 * n + 1] - y) ** 2 + (points[3 * n + 2] - z) ** 2) /
              (2 * radius * radius),
          ),
        );
      return sum;
    });
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => at(from + i));
  const both = ([x, y, z]: readonly number[]) => [
    [x, y, z],
    [-x, y, z],
  ];
  const [nose, corner, chin] = [at(30), at(54), at(57)];
  const parts: Pattern[] = [
    { colour: scaled(GREY, 0.09), field: near(range(17, 26), 0.006) },
    { colour: scaled(BLOOD, 0.05), field: near(range(48, 59), 0.006) },
    {
      colour: scaled(GREY, 0.05),
      field: near(
        [
          [chin[0], chin[1] - 0.025, chin[2] - 0.01],
          ...both([corner[0] + 0.01, corner[1] - 0.01, corner[2] - 0.02]),
        ],
        0.022,
      ),
    },
    { colour: scaled(BLOOD, 0.04), field: near(both([0.042, nose[1], nose[2] - 0.035]), 0.018) },
    {
      colour: scaled(PIGMENT, 0.04),
      field: near(
        [...range(36, 47)].map(([x, y, z]) => [x, y - 0.008, z]),
        0.009,
      ),
    },
    { colour: scaled(BLOOD, 0.03), field: near(range(31, 35), 0.01) },
  ];
  while (parts.length < NOVEL) {
    const k = parts.length - 5;
    const colour = [PIGMENT, BLOOD, YELLOW, PIGMENT][k % 4];
    const length = 0.14 * 0.88 ** k;
    parts.push({
      colour: scaled(colour, 0.022 * 0.95 ** k),
      field: waves(points, random, length, k % 3 === 2 ? 1 : 0.15),
    });
  }
  return parts;
}

/** A sum of random waves of about a wavelength (metres) over points (n,3), of which a share is not symmetric; unit rms. */
function waves(points: Float32Array, random: Random, length: number, oneSided: number): Float32Array {
  const n = points.length / 3;
  const out = new Float32Array(n);
  for (let w = 0; w < 12; w++) {
    const direction = [random.normal(), random.normal(), random.normal()];
    const norm = Math.hypot(...direction);
    const k = (2 * Math.PI) / (length * (0.7 + 0.6 * random.uniform()) * norm);
    const phase = 2 * Math.PI * random.uniform();
    const mirror = random.uniform() >= oneSided;
    for (let i = 0; i < n; i++) {
      const x = mirror ? Math.abs(points[3 * i]) : points[3 * i];
      out[i] +=
        Math.sqrt(2 / 12) *
        Math.cos(
          k * (direction[0] * x + direction[1] * points[3 * i + 1] + direction[2] * points[3 * i + 2]) +
            phase,
        );
    }
  }
  return out;
}

/** (n) 1 on skin, 0 on eyeballs, teeth and tongue. */
function skinNodes(graph: TexelGraph, model: HeadModel): Float32Array {
  const not = new Set<number>();
  for (const name of ['left_eyeball', 'right_eyeball', 'mouth_interior', 'teeth', 'tongue', 'eye_sockets'])
    for (const v of model.regions.get(name) ?? []) not.add(v);
  return Float32Array.from(graph.faces, (f) =>
    [0, 1, 2].some((a) => not.has(model.faces[3 * f + a])) ? 0 : 1,
  );
}

/**
 * Puts things in front of the face: strands of hair over the forehead, glasses, a hand or a cup, each with its own chance.
 * @param landmarks (68,2) pixels
 * @returns what was put there
 */
export function occlude(image: Image8, landmarks: Float32Array, random: Random): string[] {
  const { width, height, data } = image;
  const at = (l: number) => [landmarks[2 * l], landmarks[2 * l + 1]] as const;
  const eye = Math.hypot(at(36)[0] - at(45)[0], at(36)[1] - at(45)[1]);
  const paint = (x: number, y: number, colour: readonly number[], cover = 1) => {
    const [i, j] = [Math.round(x), Math.round(y)];
    if (i < 0 || j < 0 || i >= width || j >= height) return;
    const p = 4 * (j * width + i);
    for (let c = 0; c < 3; c++) data[p + c] += cover * (255 * colour[c] + 6 * random.normal() - data[p + c]);
  };
  const done: string[] = [];
  if (random.uniform() < 0.4) {
    done.push('hair');
    const tone = 0.08 + 0.5 * random.uniform() ** 2;
    const strands = 60 + random.below(300);
    const side = random.normal();
    for (let s = 0; s < strands; s++) {
      const x0 = at(27)[0] + eye * (0.9 * (2 * random.uniform() - 1) + 0.3 * side);
      const reach = eye * (0.6 + 0.8 * random.uniform());
      const bend = (0.25 * random.normal() + 0.3 * side) * eye;
      const shade = tone * (0.8 + 0.4 * random.uniform());
      const top = at(27)[1] - 1.5 * eye;
      for (let t = 0; t <= 1; t += 0.4 / eye)
        for (let w = 0; w < 2; w++)
          paint(x0 + bend * t * t + w, top + reach * t, [shade, 0.8 * shade, 0.6 * shade], 0.9);
    }
  }
  if (random.uniform() < 0.25) {
    done.push('glasses');
    const thick = Math.max(1, 0.02 * eye * (1 + random.uniform()));
    const rim = [0.05 + 0.2 * random.uniform(), 0.05, 0.05];
    for (const [a, b] of [
      [36, 39],
      [42, 45],
    ]) {
      const [cx, cy] = [(at(a)[0] + at(b)[0]) / 2, (at(a)[1] + at(b)[1]) / 2 + 0.05 * eye];
      for (let angle = 0; angle < 2 * Math.PI; angle += 0.5 / eye)
        for (let r = -thick / 2; r <= thick / 2; r += 0.5)
          paint(cx + (0.27 * eye + r) * Math.cos(angle), cy + (0.2 * eye + r) * Math.sin(angle), rim);
    }
    for (let t = 0; t <= 1; t += 0.2 / eye)
      for (let r = 0; r < thick; r++)
        paint(at(39)[0] + t * (at(42)[0] - at(39)[0]), at(27)[1] + r - 0.02 * eye, rim);
  }
  if (random.uniform() < 0.2) {
    done.push('hand');
    const low = random.uniform() < 0.6;
    const [cx, cy] = low
      ? [at(8)[0] + 0.6 * eye * random.normal(), at(8)[1] + 0.05 * eye * random.normal()]
      : [at(random.uniform() < 0.5 ? 1 : 15)[0], at(30)[1] + 0.3 * eye * random.normal()];
    const [rx, ry] = [eye * (0.25 + 0.35 * random.uniform()), eye * (0.2 + 0.3 * random.uniform())];
    const colour = Array.from({ length: 3 }, () => 0.1 + 0.8 * random.uniform());
    for (let y = -ry; y <= ry; y++)
      for (let x = -rx; x <= rx; x++) {
        const d = (x / rx) ** 2 + (y / ry) ** 2;
        if (d > 1) continue;
        const light = 0.7 + 0.4 * (1 - d) - (0.2 * y) / ry;
        paint(
          cx + x,
          cy + y,
          colour.map((v) => v * light),
        );
      }
  }
  return done;
}

/** A texture of `space` with random coefficients, (H,W,3). */
export function randomTexture(space: TextureSpace, random: Random): Float32Array {
  const size = space.mean.length;
  const out = Float32Array.from(space.mean);
  for (let t = 0; t < space.basis.length / size; t++) {
    // Cut off at two deviations: nobody's skin is beyond what skin can be.
    const c = Math.max(-2, Math.min(2, random.normal()));
    for (let i = 0; i < size; i++) out[i] += c * space.basis[t * size + i];
  }
  return out.map((x) => Math.min(0.97, Math.max(0.03, x)));
}
