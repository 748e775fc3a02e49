/**
 * Lights by name, for pictures of a head in another light than its photo's: ambient light and one lamp far away,
 * in spherical harmonics of order 2. A lamp's clamped cosine max(0, n·d) is ¼ + ½ n·d + 5/32 (3(n·d)² − 1) up to that
 * order (Ramamoorthi and Hanrahan 2001, eq. 8), off by at most 0.08.
 */
import { SH_CONSTANTS } from './sh.ts';

/** Strength of the ambient light and of the lamp: skin that faces the lamp is shaded by their sum. */
const AMBIENT = 0.35;
const LAMP = 0.75;

/** Directions towards the lamp, in camera space: the subject's left is at the right of a frontal picture, +x. */
const DIRECTIONS = {
  front: [0, 0.25, 1],
  left: [1, 0.15, 0.35],
  right: [-1, 0.15, 0.35],
  top: [0, 1, 0.45],
} as const;

/** Name of a light. */
export type LightName = keyof typeof DIRECTIONS;

/** The names, `left` and `right` being the subject's. */
export const LIGHT_NAMES = Object.keys(DIRECTIONS) as LightName[];

/** A named light, (9,3) float32. */
export function namedLight(name: LightName): Float32Array {
  return lampLight(DIRECTIONS[name], LAMP, AMBIENT);
}

/**
 * White light of one lamp and the surroundings, (9,3) float32.
 * @param direction towards the lamp, camera space; need not be of unit length.
 * @param lamp shading that the lamp adds to a surface facing it.
 * @param ambient shading everywhere.
 */
export function lampLight(
  direction: readonly [number, number, number],
  lamp: number,
  ambient: number,
): Float32Array {
  const length = Math.hypot(...direction);
  const [x, y, z] = direction.map((d) => d / length);
  const c = SH_CONSTANTS;
  const q = (5 / 32) * lamp;
  const coefficients = [
    (ambient + lamp / 4) / c[0],
    (lamp * x) / (2 * c[1]),
    (lamp * y) / (2 * c[2]),
    (lamp * z) / (2 * c[3]),
    // 3(n·d)² − 1 = 6 Σ dᵢdⱼ nᵢnⱼ + 3/2 (dx² − dy²)(nx² − ny²) + ½ (3dz² − 1)(3nz² − 1) for unit n and d.
    (6 * q * x * y) / c[4],
    (6 * q * x * z) / c[5],
    (6 * q * y * z) / c[6],
    (1.5 * q * (x * x - y * y)) / c[7],
    (0.5 * q * (3 * z * z - 1)) / c[8],
  ];
  return Float32Array.from({ length: 27 }, (_, i) => coefficients[Math.floor(i / 3)]);
}
