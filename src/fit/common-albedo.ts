/**
 * What several photos of one person say about its shape by showing one skin: every point of the surface has an albedo of
 * its own, free of any texture space, and all photos must show it. Where the surface is wrong, photos from different
 * sides show different skin at one point; that is stereo, with the light of each photo taken out.
 *
 * Points are the centres of the skin region's faces. Photo i shows point p with weight w (skin mask, and angle as pixels
 * are weighed by it; 0 where something hides it), shading s and colour I. The albedo that explains all photos best,
 *
 *   a_p = Σ_i w s I / Σ_i w s²  per channel,
 *
 * is held within an iteration, in which points are samples like pixels (`problem.ts`): residuals a·s − I against the
 * photo, compared at the photo's own noise: twice the median residual of all points. Points that fewer than two photos
 * show say nothing.
 *
 * Holding a makes steps too short by what a would have followed (twice, where one of two photos looks along the step).
 * So a runs ahead by `AHEAD` times its last change, which leaves the solution where it is: after 8 iterations the shape of
 * six ICT-FaceKit people was as good as after 16 without. Eliminating a exactly would couple all photos' unknowns to each
 * other and lose the equations' arrow shape.
 */
import type { Camera } from '../camera/camera.ts';
import { cropCamera, projectResident } from '../camera/project.ts';
import type { ImageF } from '../core/image.ts';
import { firstOf } from '../kernels/part.ts';
import { type PaddedPhoto, photometricResiduals, Q_STRIDE, takePhoto } from '../kernels/photometric.ts';
import { createRasterizeOutput, rasterize } from '../kernels/rasterize.ts';
import type { F32, Kernels } from '../kernels/runtime.ts';
import { fanNormals } from '../kernels/surface.ts';
import { SH_CONSTANTS } from '../light/sh.ts';
import { posedKinds } from '../model/resident-head.ts';
import type { FitState } from './parameters.ts';
import type { ResidentModel } from './resident.ts';
import { projectedNormals } from './surface-rows.ts';

/** A photo to compare with the others. */
export interface ComparedPhoto {
  readonly photo: ImageF;
  /** Pixels of `photo` per pixel of the states' cameras. */
  readonly scale: number;
  /** (photo.height,photo.width) skin weights. */
  readonly mask: Float32Array;
}

/** Points that a photo shows, with the albedo that all photos together give them. */
export interface CommonPoints {
  /** (N) faces of the model; points are their centres. */
  readonly faces: Uint32Array;
  /** (N) in [0, 1]. */
  readonly weights: Float32Array;
  /** (N,3). */
  readonly albedo: Float32Array;
}

/** How far the albedo runs ahead, in units of its last change. */
const AHEAD = 0.8;
/** A point hides behind what is nearer by this much; a step in depth by more is an outline. Metres. */
const HIDDEN = 0.004;
const OUTLINE = 0.015;
/** Cosine of the angle to the viewer from which a point counts, and the range over which it comes to count fully. */
const GRAZING = { from: 0.1, range: 0.3 };
/** Weight from which a photo shows a point. */
const SHOWN = 0.05;
/** Least noise: what lies below is rounding and resampling. */
const NOISE_MIN = 0.02;

/** What one photo shows of all points. */
interface Look {
  /** (N) 0 where the point is not seen. */
  readonly weights: Float32Array;
  /** (N,4) shading and colour, RGB0. */
  readonly shading: Float32Array;
  readonly colour: Float32Array;
}

/** See the header. Takes kernel memory for as long as the problems that it is made for. */
export class CommonAlbedo {
  /** Deviation of the residuals, RGB in [0, 1], after {@link update}. */
  noise = NOISE_MIN;
  private points: readonly CommonPoints[] = [];
  /** (N) the skin region's faces, and (3N) their corners' vertices and fans. */
  private readonly faces: Uint32Array;
  private readonly corners: Uint32Array;
  private readonly cornerFans: Uint32Array;
  private readonly photos: readonly PaddedPhoto[];
  private readonly black: PaddedPhoto;
  /** (fans), all of them, as plain and as kernel memory. */
  private readonly fans: Uint32Array;
  /** (N,3) albedo of the last update, NaN where there was none. */
  private last: Float32Array | null = null;

  constructor(
    private readonly kernels: Kernels,
    private readonly resident: ResidentModel,
    private readonly views: readonly ComparedPhoto[],
  ) {
    const { skinFaces, fans, fanOf, model } = resident.prepared;
    const faces = Uint32Array.from(skinFaces.keys()).filter((f) => skinFaces[f] === 1);
    this.faces = faces;
    this.corners = new Uint32Array(3 * faces.length);
    for (let p = 0; p < faces.length; p++)
      for (let a = 0; a < 3; a++) this.corners[3 * p + a] = model.faces[3 * faces[p] + a];
    this.cornerFans = this.corners.map((vertex) => fanOf[vertex]);
    this.fans = Uint32Array.from(fans.centres.keys());
    this.photos = views.map(({ photo }) => takePhoto(kernels, photo));
    this.black = takePhoto(kernels, { width: 2, height: 2, channels: 3, data: new Float32Array(12) });
  }

  /** What photo i shows, as of the last {@link update}. */
  of(i: number): CommonPoints {
    return this.points[i];
  }

  /** Finds the albedo for one state per photo. */
  update(states: readonly FitState[]): void {
    const looks = states.map((state, i) => this.look(state, i));
    const weights = looks.map((look) => look.weights);
    const shading = looks.map((look) => look.shading);
    const colour = looks.map((look) => look.colour);
    const [N, P] = [this.faces.length, looks.length];
    const albedo = new Float32Array(3 * N).fill(Number.NaN);
    const ahead = new Float32Array(3 * N);
    const residuals = new Float64Array(N);
    let count = 0;
    for (let p = 0; p < N; p++) {
      let shown = 0;
      let total = 0;
      let square = 0;
      for (let i = 0; i < P; i++) {
        const w = weights[i][p];
        if (w > SHOWN) shown++;
        total += w;
      }
      if (shown < 2) continue;
      for (let c = 0; c < 3; c++) {
        const k = 4 * p + c;
        let si = 0;
        let ss = 0;
        let ii = 0;
        for (let i = 0; i < P; i++) {
          const w = weights[i][p];
          const x = shading[i][k];
          const y = colour[i][k];
          si += w * x * y;
          ss += w * x * x;
          ii += w * y * y;
        }
        const a = si / Math.max(ss, 1e-9);
        const before = this.last ? this.last[3 * p + c] : Number.NaN;
        albedo[3 * p + c] = a;
        ahead[3 * p + c] = Number.isNaN(before) ? a : a + AHEAD * (a - before);
        square += ii - a * si;
      }
      residuals[count++] = Math.max(square, 0) / total;
    }
    this.last = albedo;
    const sorted = residuals.subarray(0, count).sort();
    this.noise = Math.max(2 * Math.sqrt(sorted[count >> 1] ?? 0), NOISE_MIN);
    this.points = weights.map((w) => this.gather(w, albedo, ahead));
  }

  /** The points that a photo shows and that have an albedo. */
  private gather(weights: Float32Array, albedo: Float32Array, ahead: Float32Array): CommonPoints {
    const N = this.faces.length;
    const faces = new Uint32Array(N);
    const kept = new Float32Array(N);
    const out = new Float32Array(3 * N);
    let count = 0;
    for (let p = 0; p < N; p++) {
      if (!(weights[p] > 0) || Number.isNaN(albedo[3 * p])) continue;
      faces[count] = this.faces[p];
      kept[count] = weights[p];
      for (let c = 0; c < 3; c++) out[3 * count + c] = ahead[3 * p + c];
      count++;
    }
    return {
      faces: faces.subarray(0, count),
      weights: kept.subarray(0, count),
      albedo: out.subarray(0, 3 * count),
    };
  }

  private look(state: FitState, i: number): Look {
    const { kernels, resident, faces, fans, cornerFans } = this;
    const view = this.views[i];
    const N = faces.length;
    const look = { shading: new Float32Array(4 * N), colour: new Float32Array(4 * N) };
    return kernels.scope(() => {
      resident.pose(state);
      const camera = cropCamera(state.camera, [0, 0], view.scale);
      const normals = kernels.f32(4 * fans.length);
      const q = kernels.f32(Q_STRIDE * fans.length);
      fanNormals(kernels, resident.fans, resident.head.vertices, normals);
      projectedNormals(resident, camera, normals, fans, q);
      const weights = this.weigh(camera, view, q);
      const seen = new Uint32Array(N);
      let count = 0;
      for (let p = 0; p < N; p++) if (weights[p] > 0) seen[count++] = p;
      const corners = kernels.u32(3 * count);
      const barycentrics = kernels.f32(3 * count);
      const appearance = kernels.f32(4 * count);
      const shading = kernels.f32(4 * count);
      const difference = kernels.f32(4 * count);
      barycentrics.view.fill(1 / 3);
      appearance.view.fill(1);
      const slots = corners.view;
      for (let k = 0; k < count; k++)
        for (let a = 0; a < 3; a++) slots[3 * k + a] = cornerFans[3 * seen[k] + a];
      const white = {
        count,
        corners,
        edges: corners,
        barycentrics,
        mask: firstOf(barycentrics, count),
        appearance,
      };
      const input = { q, light: state.light, basis: SH_CONSTANTS, texture: [], loss: ANY_LOSS };
      // White skin looks like its shading; what that is off by against the photo gives the photo's colour there.
      photometricResiduals(kernels, white, { ...input, photo: this.black }, shading);
      photometricResiduals(kernels, white, { ...input, photo: this.photos[i] }, difference);
      const [s, d] = [shading.view, difference.view];
      for (let k = 0; k < count; k++) {
        const to = 4 * seen[k];
        for (let c = 0; c < 3; c++) {
          look.shading[to + c] = s[4 * k + c];
          look.colour[to + c] = s[4 * k + c] - d[4 * k + c];
        }
      }
      return { weights, ...look };
    });
  }

  /**
   * Weights of all points in a photo of the head as it is posed, (N).
   * @param shown (fans,8) of `projectedNormals`.
   */
  private weigh(camera: Camera, { photo, mask }: ComparedPhoto, shown: F32): Float32Array {
    const { kernels, resident } = this;
    const size = photo.width;
    const weights = new Float32Array(this.faces.length);
    kernels.scope(() => {
      const { vertices, faces } = resident.head;
      const kinds = posedKinds(resident.head);
      const positions = kernels.f32(vertices.length);
      const raster = createRasterizeOutput(kernels, size, size);
      projectResident(kernels, camera, vertices, positions);
      rasterize(
        kernels,
        { positions, faces, kinds, width: size, height: size, cull: 'back', perspective: false },
        raster,
      );
      const arrays = {
        ...{ corners: this.corners, cornerFans: this.cornerFans, mask, size },
        ...{ depth: raster.depth.view, projected: positions.view, points: vertices.view, q: shown.view },
      };
      weighPoints(arrays, camera, weights);
    });
    return weights;
  }
}

/** What the weights of points depend on: the photo, (size,size), and the head in it. */
interface WeighedArrays {
  readonly corners: Uint32Array;
  readonly cornerFans: Uint32Array;
  readonly mask: Float32Array;
  readonly size: number;
  readonly depth: Float32Array;
  readonly projected: Float32Array;
  readonly points: Float32Array;
  readonly q: Float32Array;
}

/** Weights of points by how they are seen, into `weights`. */
function weighPoints(
  { corners, cornerFans, mask, size, depth, projected, points, q }: WeighedArrays,
  camera: Camera,
  weights: Float32Array,
): void {
  const parallel = camera.kind === 'orthographic';
  const [tx, ty, tz] = camera.translation;
  // No lists taken apart in here: until V8 has compiled it, that takes most of the time.
  for (let p = 0; p < weights.length; p++) {
    let u = 0;
    let v = 0;
    let d = 0;
    let nx = 0;
    let ny = 0;
    let nz = 0;
    let x = tx;
    let y = ty;
    let z = tz;
    for (let a = 3 * p; a < 3 * p + 3; a++) {
      const vertex = 3 * corners[a];
      const o = Q_STRIDE * cornerFans[a];
      u += q[o] / 3;
      v += q[o + 1] / 3;
      nx += q[o + 2];
      ny += q[o + 3];
      nz += q[o + 4];
      d += projected[vertex + 2] / 3;
      x += points[vertex] / 3;
      y += points[vertex + 1] / 3;
      z += points[vertex + 2] / 3;
    }
    if (!(u >= 1 && v >= 1 && u < size - 1 && v < size - 1)) continue;
    const at = Math.floor(v) * size + Math.floor(u);
    const front = depth[at];
    if (!(mask[at] > 0) || !(behind(parallel, front, d) < HIDDEN)) continue;
    const cosine = parallel ? nz : -(nx * x + ny * y + nz * z) / Math.sqrt(x * x + y * y + z * z);
    const facing = cosine / Math.sqrt(nx * nx + ny * ny + nz * nz);
    if (!(facing > GRAZING.from)) continue;
    const inside =
      Math.abs(behind(parallel, front, depth[at - 1])) < OUTLINE &&
      Math.abs(behind(parallel, front, depth[at + 1])) < OUTLINE &&
      Math.abs(behind(parallel, front, depth[at - size])) < OUTLINE &&
      Math.abs(behind(parallel, front, depth[at + size])) < OUTLINE;
    if (inside) weights[p] = mask[at] * Math.min(1, (facing - GRAZING.from) / GRAZING.range);
  }
}

/** How much farther away the second depth is, metres; −∞ is where no head is. */
function behind(parallel: boolean, front: number, back: number): number {
  return parallel ? front - back : 1 / back - 1 / front;
}

/** Residuals do not depend on it. */
const ANY_LOSS = { sigma: 1, k: 1, weight: 1 };
