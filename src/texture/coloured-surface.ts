/**
 * A surface that carries colours, and a linear space of them: a mesh with vertex colours (Basel Face Models), or a head
 * with a texture space. Colours are taken at points of the surface as weighted sums of *items*: the vertices of the one,
 * the texels of the other.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import type { MeshLandmarks } from '../fit/mesh-landmarks.ts';
import type { BfmModel } from '../model/bfm/bfm-model.ts';
import type { HeadModel } from '../model/head-model.ts';
import { headSizes } from '../model/head-model.ts';

/** A surface with colours. */
export interface ColouredSurface {
  readonly name: string;
  /** (V,3) units of the surface. */
  readonly vertices: Float32Array;
  /** (F,3) counter-clockwise from outside. */
  readonly faces: Uint32Array;
  /** Metres per unit. */
  readonly unit: number;
  /** Null where nobody knows where the face is. */
  readonly landmarks: MeshLandmarks | null;
  /** Components there are. */
  readonly components: number;
  /** (items,3) colours, sRGB-encoded RGB in [0, 1]. */
  readonly mean: Float32Array;
  /** The first `count` components, (count,items,3), per standard deviation. */
  basis(count: number): Float32Array;
  /**
   * The items that the colour at a point is made of, into `items` and `weights` (4).
   * @param face triangle, `barycentrics` (3) the place on it
   */
  taps(face: number, barycentrics: ArrayLike<number>, items: Uint32Array, weights: Float64Array): void;
}

/** A Basel Face Model's mean face with its colours. @param landmarks in units of the model; null where not known */
export function bfmSurface(bfm: BfmModel, name: string, landmarks: MeshLandmarks | null): ColouredSurface {
  const { faces } = bfm;
  return {
    name,
    vertices: bfm.shape.mean,
    faces,
    unit: bfm.unit,
    landmarks,
    components: bfm.colour.components,
    mean: bfm.colour.mean,
    basis: (count) => bfm.colour.basis(count),
    taps(face, barycentrics, items, weights) {
      weights[3] = 0;
      items[3] = faces[3 * face];
      for (let c = 0; c < 3; c++) {
        items[c] = faces[3 * face + c];
        weights[c] = barycentrics[c];
      }
    },
  };
}

/**
 * A head at rest with its texture space.
 * @throws {InvalidArgumentError} when it has none
 */
export function headSurface(model: HeadModel): ColouredSurface {
  const { texture, template, faces, uvs, faceUvs, landmarks } = model;
  if (!texture)
    throw new InvalidArgumentError(`headSurface: ${model.name} has no texture space to take colours from`);
  const { width, height, mean, basis } = texture;
  const { inner51 } = landmarks;
  const points = Float64Array.from({ length: 153 }, (_, i) => {
    const l = Math.floor(i / 3);
    let sum = 0;
    for (let c = 0; c < 3; c++)
      sum += inner51.barycentrics[3 * l + c] * template[3 * faces[3 * inner51.faces[l] + c] + (i % 3)];
    return sum;
  });
  return {
    name: model.name,
    vertices: template,
    faces,
    unit: 1,
    landmarks: { numbers: Array.from({ length: 51 }, (_, l) => 17 + l), points },
    components: headSizes(model).T,
    mean,
    basis: (count) => basis.subarray(0, count * mean.length),
    taps(face, barycentrics, items, weights) {
      let [u, v] = [0, 0];
      for (let c = 0; c < 3; c++) {
        const t = 2 * faceUvs[3 * face + c];
        u += barycentrics[c] * uvs[t];
        v += barycentrics[c] * uvs[t + 1];
      }
      const x = Math.min(Math.max(u * width - 0.5, 0), width - 1);
      const y = Math.min(Math.max(v * height - 0.5, 0), height - 1);
      const left = Math.floor(x);
      const top = Math.floor(y);
      for (let k = 0; k < 4; k++) {
        const [dx, dy] = [k % 2, k >> 1];
        items[k] = Math.min(top + dy, height - 1) * width + Math.min(left + dx, width - 1);
        weights[k] = (dx ? x - left : 1 - x + left) * (dy ? y - top : 1 - y + top);
      }
    },
  };
}
