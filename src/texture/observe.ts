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
import { countSeen, type Evidence, nodeVisibility, takeEvidence, takeRoom } from '../kernels/evidence.ts';
import { glossPlane, takeGloss } from '../kernels/gloss.ts';
import { outlineDistances, pixelSurface, SURFACE_STRIDE, skinPixels } from '../kernels/pixel-surface.ts';
import { createRasterizeOutput, rasterize } from '../kernels/rasterize.ts';
import type { F32, Kernels } from '../kernels/runtime.ts';
import { glossRays } from '../light/gloss.ts';
import { SH_CONSTANTS } from '../light/sh.ts';
import { faceKinds } from '../model/eyelids.ts';
import type { HeadModel } from '../model/head-model.ts';
import { neckFaces } from '../model/neck-faces.ts';
import { vertexNormals } from '../render/normals.ts';
import { resampleCrop } from '../render/resample.ts';
import { facesInMouth, INSIDE, NO_MOUTH, type SeenMouth, seeMouth, trustMouth } from './inner-mouth.ts';
import { type SeenNeck, seeNeck } from './neck-tone.ts';
import type { ResidentAtlas } from './offset-atlas.ts';
import { facesInSkin, skinTrust } from './skin-trust.ts';

/** A face crop as evidence about texels, in kernel memory. */
export interface Observation {
  readonly crop: CropTransform;
  readonly evidence: Evidence;
  /** (n) float32 how well each node was seen, in [0, 1]. */
  readonly visibility: F32;
  /** What it shows of the mouth's inside. */
  readonly mouth: SeenMouth;
  /** What it shows of the neck. */
  readonly neck: SeenNeck;
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
 * @param moving nothing is taken from within the mouth, see `inner-mouth.ts`.
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
  moving: boolean,
): Observation {
  const own = fit.skin.crop;
  const crop = { origin: own.origin, scale: (own.scale * size) / own.size, size };
  const camera = cropCamera(fit.camera, crop.origin, crop.scale);
  const orthographic = camera.kind === 'orthographic';
  const { translation, principal } = camera;
  const pixels = size * size;
  const colours = resampleCrop(photo, crop, kernels).data;
  const visibility = kernels.f32(atlas.graph.count, false);
  const raster = createRasterizeOutput(kernels, size, size);
  const faces = kernels.u32(model.faces);
  const positions = kernels.f32(projectPoints(camera, vertices));
  const kinds = faceKinds(model, vertices);
  const seenBy = {
    positions,
    faces,
    kinds: kinds && kernels.u8(kinds),
    width: size,
    height: size,
    cull: 'back',
    perspective: !orthographic,
  } as const;
  rasterize(kernels, seenBy, raster);
  const room = takeRoom(kernels, countSeen(kernels, raster.faceIndex));
  let mouth = NO_MOUTH;
  let neck: SeenNeck | undefined;
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
    // What a texture has of the photo is skin, not what the skin reflects.
    const gloss = fit.gloss && kernels.f32(pixels, false);
    if (gloss) {
      const view = {
        width: size,
        height: size,
        ...glossRays(camera),
        normals: surface,
        stride: SURFACE_STRIDE,
      };
      glossPlane(kernels, view, kernels.f64(fit.gloss), gloss);
    }
    const skinFaces = facesInSkin(model);
    const planes = skinTrust(kernels, fit, crop, raster.faceIndex.view.slice(), skinFaces);
    const trust = kernels.f32(pixels, false);
    const flags = kernels.u8(pixels, false);
    skinPixels(kernels, planes, size, raster.faceIndex, kernels.u8(skinFaces), trust, flags);
    const matte = gloss ? withoutGloss(kernels, colours, gloss) : colours;
    // Copies: what follows takes memory, and memory that grows takes its views away.
    const faceIndex = raster.faceIndex.view.slice();
    const seen = { faceIndex, surface: surface.view.slice() };
    const looked = { fit, crop, size, light: fit.light, colours: matte, ...seen };
    neck = seeNeck({ ...looked, flags: flags.view }, neckFaces(model), atlas);
    const inMouth = facesInMouth(model);
    if (inMouth.includes(INSIDE.crown)) {
      mouth = seeMouth(kernels, looked, inMouth);
      trustMouth(mouth, moving, size, faceIndex, inMouth, trust.view);
    }
    const outline = kernels.f32(pixels, false);
    const covered = coveredPixels(photo, crop);
    const { jump } = OBSERVE_DEFAULTS;
    outlineDistances(
      kernels,
      { size, faceIndex: raster.faceIndex, surface, flags, ...covered, jump },
      outline,
    );
    const o = OBSERVE_DEFAULTS;
    const input = {
      surface,
      outline,
      flags,
      trust,
      photo: kernels.f32(colours),
      gloss,
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
        pieces: kernels.u8(eyeballFaces(model)),
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
  return { crop, evidence, visibility, mouth, neck: neck! };
}

/** A copy of colours (pixels,3) with the gloss (pixels) taken off. */
function withoutGloss(kernels: Kernels, colours: Float32Array, gloss: F32): Float32Array {
  return kernels.scope(() => {
    const matte = kernels.f32(colours);
    // Gloss is found where skin is, and is more than all there is of a dark mouth.
    takeGloss(kernels, matte, gloss, 0);
    return matte.view.slice();
  });
}

/** (F) 1 and 2 for faces of the eyeballs: lids lie 2 mm before them, and what they cover is not seen. */
function eyeballFaces({ faces, regions, template }: HeadModel): Uint8Array {
  const at = new Uint8Array(template.length / 3);
  for (const v of regions.get('left_eyeball') ?? []) at[v] = 1;
  for (const v of regions.get('right_eyeball') ?? []) at[v] = 2;
  const out = new Uint8Array(faces.length / 3);
  for (let f = 0; f < out.length; f++) out[f] = at[faces[3 * f]];
  return out;
}

/** First and last column and row of a crop whose pixel centres lie in the photo, half a pixel from its border. */
function coveredPixels(photo: Image8, { origin, scale, size }: CropTransform) {
  const range = (from: number, length: number): [number, number] => {
    let [first, last] = [size, -1];
    for (let i = 0; i < size; i++) {
      const at = from + (i + 0.5) / scale;
      if (at < 0.5 || at > length - 0.5) continue;
      first = Math.min(first, i);
      last = i;
    }
    return [first, last];
  };
  return { columns: range(origin[0], photo.width), rows: range(origin[1], photo.height) };
}
