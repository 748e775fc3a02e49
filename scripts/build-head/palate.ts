/**
 * A roof for the mouth. The source's mouth is a balloon that reaches a centimetre higher than the nostrils and lies
 * right behind the nose; in people the palate passes below the nasal floor, some two centimetres over the bite. What
 * stands higher is lowered to a share of the way from the lips' line to the subnasale, so that it stays under every
 * nose. The same map serves shapes and displacements, for it is linear.
 */
import type { Atlas } from './atlas.ts';
import { type MouthAnchors, mouthMiddle } from './mouth.ts';
import type { Topology } from './topology.ts';

/** Vertex of the source under the nasal septum. */
const SUBNASALE = 317;
/** Share of the way to the subnasale at which the roof stands behind the lips, and further back under the vault. */
const VESTIBULE = 0.88;
const VAULT = 1.05;
/** The vault begins and is reached so far behind the lips, metres. */
const FROM = 0.014;
const TO = 0.032;

/** Vertices of the roof. */
export interface Palate {
  readonly vertices: readonly number[];
  /** How far each is lowered: 1 is all the way. */
  readonly share: readonly number[];
  /** Where to, as a share of the way from the lips to the subnasale. */
  readonly height: readonly number[];
  readonly mouth: MouthAnchors;
  readonly subnasale: number;
}

/** The roof of the mouth of the shape `mean` (rows,3). */
export function palateOf(
  topology: Topology,
  atlas: Atlas,
  mouth: MouthAnchors,
  mean: ArrayLike<number>,
): Palate {
  const subnasale = topology.source.indexOf(SUBNASALE);
  const [, lipY, lipZ] = mouthMiddle(mean, mouth);
  const way = mean[3 * subnasale + 1]! - lipY;
  const bag = new Set<number>();
  atlas.faceChart.forEach((chart, f) => {
    if (chart === 1) for (let k = 0; k < 3; k++) bag.add(topology.faces[3 * f + k]!);
  });
  const vertices = [...bag].sort((a, b) => a - b).filter((v) => mean[3 * v + 1]! > lipY + 0.6 * way);
  const ratio = (v: number) => (mean[3 * v + 1]! - lipY) / way;
  return {
    vertices,
    share: vertices.map((v) => smooth((ratio(v) - 0.6) / 0.35)),
    // A tenth of the old height is left, so that what lay higher does.
    height: vertices.map(
      (v) =>
        VESTIBULE +
        (VAULT - VESTIBULE) * smooth((lipZ - mean[3 * v + 2]! - FROM) / (TO - FROM)) +
        0.1 * (ratio(v) - 0.95),
    ),
    mouth,
    subnasale,
  };
}

/** Lowers the roof of a shape or displacement (at least skin rows, 3), in place. */
export function lowerPalate(shape: Float64Array, palate: Palate): void {
  const [, lips] = mouthMiddle(shape, palate.mouth);
  const nose = shape[3 * palate.subnasale + 1]!;
  palate.vertices.forEach((v, i) => {
    const w = palate.share[i]!;
    shape[3 * v + 1] = (1 - w) * shape[3 * v + 1]! + w * (lips + palate.height[i]! * (nose - lips));
  });
}

function smooth(t: number): number {
  const x = Math.min(1, Math.max(0, t));
  return x * x * (3 - 2 * x);
}
