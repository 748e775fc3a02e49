/**
 * Face perception with MediaPipe's networks: finds faces in photos of any size and gives 478 mesh points and the
 * iBUG-68 landmarks of each. The platforms' `loadPerception` (photofit/node, photofit/web) supply the files.
 *
 * Order of work: detect (detector.ts) → for each candidate two mesh passes (mesh.ts), refusal of what is no face
 * (plausibility.ts), irises (iris.ts) → iBUG-68 (ibug68.ts). The search widens only while nothing believable has been
 * found, see {@link searchStages}.
 */
import { throwIfAborted } from '../core/errors.ts';
import type { Image8 } from '../core/image.ts';
import {
  DETECTOR_DEFAULTS,
  type Detection,
  detectInFrame,
  squareOverlap,
  suppress,
  tiles,
} from './detector.ts';
import type { Frame } from './frame.ts';
import { ibug68FromMesh } from './ibug68.ts';
import { refineIrises } from './iris.ts';
import { frameFromDetection, frameFromMesh, meshInFrame } from './mesh.ts';
import { type AssetLoader, loadNetworks, type Networks } from './networks.ts';
import { looksLikeFace, MIN_PRESENCE } from './plausibility.ts';
import { ImagePyramid } from './pyramid.ts';
import type { FaceObservation, FacePerception } from './types.ts';

export type { AssetLoader } from './networks.ts';

/**
 * Loads the networks and makes a detector of them.
 * @param assets gives the bytes of the files named in `MEDIAPIPE_ASSETS` and of tfjs' WebAssembly binaries.
 * @throws {FormatError} when a file is not what it should be.
 */
export async function loadMediapipePerception(assets: AssetLoader): Promise<FacePerception> {
  const networks = await loadNetworks(assets);
  return {
    detect: (image, options) => detectFaces(networks, image, options?.signal),
    dispose: () => networks.dispose(),
  };
}

/** Tiles of one stage of the search. */
interface SearchStage {
  readonly frames: readonly Frame[];
}

/** The stages of the search, cheapest first. */
export function searchStages(width: number, height: number): SearchStage[] {
  const long = Math.max(width, height);
  const short = Math.min(width, height);
  // One square around the photo, or a row of squares along it when it is much longer than wide.
  const whole = long <= 2 * short ? long : 1.5 * short;
  const stages: SearchStage[] = [];
  const quarter = Math.PI / 2;
  stages.push({ frames: tiles(width, height, whole) });
  stages.push({
    frames: [-quarter, quarter, 2 * quarter].flatMap((roll) => tiles(width, height, whole, roll)),
  });
  if (long >= 192) stages.push({ frames: tiles(width, height, long / 2) });
  if (long >= 768) stages.push({ frames: tiles(width, height, long / 4) });
  return stages;
}

interface Found extends FaceObservation {
  readonly cx: number;
  readonly cy: number;
  readonly side: number;
}

async function detectFaces(
  networks: Networks,
  image: Image8,
  signal: AbortSignal | undefined,
): Promise<FaceObservation[]> {
  throwIfAborted(signal);
  if (image.width < 16 || image.height < 16) return [];
  const pyramid = new ImagePyramid(image);
  const faces: Found[] = [];
  for (const { frames } of searchStages(image.width, image.height)) {
    const raw: Detection[] = [];
    for (const frame of frames) {
      await breathe(signal);
      raw.push(...detectInFrame(networks, pyramid, frame, DETECTOR_DEFAULTS.minScore));
    }
    for (const candidate of suppress(raw).slice(0, DETECTOR_DEFAULTS.maxFaces)) {
      await breathe(signal);
      const face = observe(networks, pyramid, candidate);
      if (face && !faces.some((other) => squareOverlap(other, face) > DETECTOR_DEFAULTS.overlap))
        faces.push(face);
    }
    if (faces.length > 0) break;
  }
  return faces
    .sort((a, b) => b.box.width * b.box.height - a.box.width * a.box.height)
    .map(({ box, score, landmarks68, mesh }) => ({ box, score, landmarks68, mesh }));
}

/** The full observation of a candidate, or null when it is no face. */
function observe(networks: Networks, pyramid: ImagePyramid, candidate: Detection): Found | null {
  const first = meshInFrame(networks, pyramid, frameFromDetection(candidate));
  if (first.presence < MIN_PRESENCE / 4) return null;
  const second = meshInFrame(networks, pyramid, frameFromMesh(first.points));
  if (second.presence < MIN_PRESENCE || !looksLikeFace(second.points, pyramid.width, pyramid.height))
    return null;
  const points = refineIrises(networks, pyramid, second);
  let minX = Infinity;
  let maxX = -Infinity;
  let minY = Infinity;
  let maxY = -Infinity;
  for (let i = 0; i < 468; i++) {
    minX = Math.min(minX, points[3 * i]);
    maxX = Math.max(maxX, points[3 * i]);
    minY = Math.min(minY, points[3 * i + 1]);
    maxY = Math.max(maxY, points[3 * i + 1]);
  }
  return {
    box: { x: minX, y: minY, width: maxX - minX, height: maxY - minY },
    score: Math.min(candidate.score, second.presence),
    landmarks68: ibug68FromMesh(points),
    mesh: new Float32Array(points),
    cx: (minX + maxX) / 2,
    cy: (minY + maxY) / 2,
    side: Math.max(maxX - minX, maxY - minY),
  };
}

/** Lets an abort come through (the networks run synchronously), when the caller can abort at all. */
async function breathe(signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return;
  await new Promise((resolve) => setTimeout(resolve, 0));
  throwIfAborted(signal);
}
