/**
 * What the photo says about the texture: for every pixel of the face crop that can be trusted, the texels it mixes, the
 * light on them, and how far it is to be believed.
 *
 * Trust is a product of factors in [0, 1]:
 *   skin      the fit's mask in the skin region. Moles and stubble that it took for something else inside the
 *             landmarks' hull, brows, and eyes, lips and teeth, which it never covers, are taken where the mask agrees
 *             around them: what is surrounded by face is face, what covers the skin round the eye covers the eye too;
 *   light     falls in the dark, where noise divided by little light would be albedo;
 *   edge      falls to nothing towards the silhouette, towards depth jumps within the head (nose before cheek) and
 *             towards the photo's border: the fitted outline is only right to some pixels, and a smear of background
 *             along the cheek is the ugliest thing a texture can have;
 *   angle     falls at grazing angles, where a pixel spreads over many texels.
 *
 * Eyes and mouth are taken as painted on whatever the model shows there: lips that are closed in the photo go over
 * teeth that a fit leaves uncovered, and depth jumps between lids, eyeballs, lips and teeth are no outlines.
 */
import { cropCamera, projectPoints } from '../camera/project.ts';
import type { Image8 } from '../core/image.ts';
import type { CropTransform, PhotoFit } from '../fit/types.ts';
import {
  type Evidence,
  nodeVisibility,
  PIXEL,
  pixelSurface,
  SURFACE_STRIDE,
  takeEvidence,
  takeRoom,
} from '../kernels/evidence.ts';
import { createRasterizeOutput, rasterize } from '../kernels/rasterize.ts';
import type { F32, Kernels } from '../kernels/runtime.ts';
import { SH_CONSTANTS } from '../light/sh.ts';
import type { HeadModel } from '../model/head-model.ts';
import { vertexNormals } from '../render/normals.ts';
import { resampleCrop } from '../render/resample.ts';
import { distanceTo } from './grids.ts';
import type { ResidentAtlas } from './offset-atlas.ts';
import { facesInSkin, skinPixels, skinTrust } from './skin-trust.ts';

/** A face crop as evidence about texels, in kernel memory. */
export interface Observation {
  readonly crop: CropTransform;
  readonly evidence: Evidence;
  /** (n) float32 how well each node was seen, in [0, 1]. */
  readonly visibility: F32;
}

/** Tuning of {@link observe}; lengths are fractions of the crop's width where no unit is given. */
export const OBSERVE_DEFAULTS = {
  /** Nothing is believed nearer to an outline than `edge[0]`, everything beyond `edge[1]`. */
  edge: [0.004, 0.016],
  /** The same for the cosine between normal and view. */
  angle: [0.12, 0.4],
  /** Metres between neighbouring pixels that make a jump in depth. */
  jump: 0.008,
  /** Nothing is believed below the first mean shading, everything above the second. */
  light: [0.12, 0.35],
  /** `angle` within the outlines of eyes and mouth. */
  apertureAngle: [0.02, 0.2],
} as const;

/** Metres a texel may lie behind the nearest surface and still be the one seen. */
const DEPTH_SLACK = 0.004;
/** Shading is taken as at least this: what is darker says nothing about albedo. */
const LEAST_SHADING = 0.1;

/**
 * Gathers the evidence of `photo` at `size`×`size` pixels of the fit's crop.
 * @param vertices (V,3) of the fit as posed.
 * @returns it, in memory that the caller gives back.
 */
export function observe(
  kernels: Kernels,
  fit: PhotoFit,
  photo: Image8,
  model: HeadModel,
  vertices: Float32Array,
  atlas: ResidentAtlas,
  size: number,
): Observation {
  const own = fit.skin.crop;
  const crop = { origin: own.origin, scale: (own.scale * size) / own.size, size };
  const camera = cropCamera(fit.camera, crop.origin, crop.scale);
  const orthographic = camera.kind === 'orthographic';
  const { translation, principal } = camera;
  const pixels = size * size;
  const visibility = kernels.f32(atlas.graph.count, false);
  const raster = createRasterizeOutput(kernels, size, size);
  const faces = kernels.u32(model.faces);
  const positions = kernels.f32(projectPoints(camera, vertices));
  const seenBy = {
    positions,
    faces,
    width: size,
    height: size,
    cull: 'back',
    perspective: !orthographic,
  } as const;
  rasterize(kernels, seenBy, raster);
  let covered = 0;
  for (const face of raster.faceIndex.view) if (face >= 0) covered++;
  const room = takeRoom(kernels, covered);
  const evidence = kernels.scope(() => {
    const mesh = {
      faces,
      faceUvs: kernels.u32(model.faceUvs),
      vertices: kernels.f32(vertices),
      normals: kernels.f32(vertexNormals(vertices, model.faces)),
      uvs: kernels.f32(model.uvs),
    };
    const surface = kernels.f32(SURFACE_STRIDE * pixels, false);
    pixelSurface(kernels, mesh, raster, { translation, orthographic }, surface);
    const skinFaces = facesInSkin(model);
    const faceIndex = raster.faceIndex.view;
    const { trust: bySkin, hull, aperture } = skinTrust(fit, crop, faceIndex, skinFaces);
    const measured = skinPixels(fit, faceIndex, skinFaces, size);
    const flags = new Uint8Array(pixels);
    for (let p = 0; p < pixels; p++) {
      const f = faceIndex[p];
      if (f < 0) continue;
      flags[p] =
        (skinFaces[f] ? PIXEL.skin : 0) |
        (measured[p] ? PIXEL.measured : 0) |
        (hull[p] ? PIXEL.inner : 0) |
        (aperture[p] ? PIXEL.aperture : 0);
    }
    const trust = kernels.f32(bySkin);
    const o = OBSERVE_DEFAULTS;
    const input = {
      surface,
      outline: kernels.f32(outlineDistance(faceIndex, surface.view, aperture, photo, crop)),
      flags: kernels.u8(flags),
      trust,
      photo: kernels.f32(resampleCrop(photo, crop).data),
      light: fit.light,
      basis: SH_CONSTANTS,
      edge: [o.edge[0] * size, o.edge[1] * size],
      angle: o.angle,
      apertureAngle: o.apertureAngle,
      lit: o.light,
      leastShading: LEAST_SHADING,
      nodes: atlas.nodes,
      width: atlas.width,
      height: atlas.height,
    } as const;
    const found = takeEvidence(kernels, input, room);
    const factor = camera.kind === 'orthographic' ? camera.scale : camera.focal;
    nodeVisibility(
      kernels,
      {
        nodeFaces: atlas.nodeFaces,
        nodeBarycentrics: atlas.nodeBarycentrics,
        mesh,
        camera: { translation, orthographic, principal, factor },
        size,
        slack: DEPTH_SLACK,
        faceIndex: raster.faceIndex,
        surface,
        trust,
        evidence: found,
      },
      visibility,
    );
    return found;
  });
  return { crop, evidence, visibility };
}

/** (size,size) distance in pixels to the nearest outline: silhouette, depth jump, border of photo or crop. */
function outlineDistance(
  faceIndex: Int32Array,
  surface: Float32Array,
  aperture: Uint8Array,
  photo: Image8,
  crop: CropTransform,
): Float32Array {
  const { size } = crop;
  const outline = new Uint8Array(size * size);
  const jumps = (p: number, q: number) =>
    faceIndex[p] < 0 !== faceIndex[q] < 0 ||
    (faceIndex[p] >= 0 &&
      !(aperture[p] && aperture[q]) &&
      Math.abs(surface[SURFACE_STRIDE * p + 3] - surface[SURFACE_STRIDE * q + 3]) > OBSERVE_DEFAULTS.jump);
  for (let y = 0; y < size; y++) {
    const py = crop.origin[1] + (y + 0.5) / crop.scale;
    const rowOutside = py < 0.5 || py > photo.height - 0.5;
    for (let x = 0; x < size; x++) {
      const p = y * size + x;
      const px = crop.origin[0] + (x + 0.5) / crop.scale;
      if (rowOutside || px < 0.5 || px > photo.width - 0.5) outline[p] = 1;
      if (x > 0 && jumps(p, p - 1)) outline[p] = outline[p - 1] = 1;
      if (y > 0 && jumps(p, p - size)) outline[p] = outline[p - size] = 1;
      if (x === 0 || y === 0 || x === size - 1 || y === size - 1) outline[p] = 1;
    }
  }
  return distanceTo(outline, size, size);
}
