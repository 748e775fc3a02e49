/**
 * Face perception with MediaPipe's networks: finds the faces of a photo of any size and gives 478 mesh points and the
 * iBUG-68 landmarks of each. The platforms' `loadPerception` (photofit/node, photofit/web) supply the files.
 *
 * Order of work: crops of the photo (search.ts) → boxes (detector.ts) → for each candidate two or more mesh passes
 * (mesh.ts), refusal of what is no face (plausibility.ts), irises (iris.ts) → iBUG-68 (ibug68.ts). The search goes
 * on while nothing sure has been found, or only faces so small that others are likely missed.
 */
import { InvalidArgumentError, throwIfAborted } from '../core/errors.ts';
import type { Image8 } from '../core/image.ts';
import { eventsHandled } from '../core/progress.ts';
import { describeFace } from './descriptor.ts';
import { DETECTOR_DEFAULTS, type Detection, detectInFrame, squareContainment, suppress } from './detector.ts';
import { ibug68FromMesh } from './ibug68.ts';
import { refineIrises } from './iris.ts';
import { type FaceMesh, frameFromDetection, frameFromMesh, meshInFrame } from './mesh.ts';
import { type AssetLoader, loadNetworks, type Networks } from './networks.ts';
import { looksLikeFace, PLAUSIBILITY } from './plausibility.ts';
import { ImagePyramid } from './pyramid.ts';
import { searchStages } from './search.ts';
import type { FaceObservation, FacePerception } from './types.ts';

export type { AssetLoader } from './networks.ts';

/** Photos with a side shorter than this (pixels) hold no face that could be measured. */
const MIN_SIDE = 16;

/**
 * Loads the networks and makes a detector of them. `score` of its observations is the smaller one of the box
 * detector's score and the mesh network's presence; `box` is the bounding box of the mesh.
 * @param assets gives the bytes of the files named in `MEDIAPIPE_ASSETS` and of tfjs' WebAssembly binaries, and of
 *   `DESCRIPTOR_ASSETS` once a face is to be described.
 * @throws {FormatError} when a file is not what it should be.
 */
export async function loadMediapipePerception(assets: AssetLoader): Promise<FacePerception> {
  const networks = await loadNetworks(assets);
  return {
    detect: (image, options) => detectFaces(networks, image, options?.signal),
    track: async (image, previous, options) => trackFace(networks, image, previous, options?.signal),
    describe: (image, face, options) => describeFace(networks, image, face, options?.signal),
    dispose: () => networks.dispose(),
  };
}

/** A face that passed: the mesh without irises yet, and the square it covers. */
interface Candidate {
  readonly mesh: FaceMesh;
  readonly score: number;
  readonly cx: number;
  readonly cy: number;
  readonly side: number;
}

/**
 * All faces of a photo, largest first.
 * @throws {InvalidArgumentError} when the pixels are not RGBA of the stated size, or the networks were disposed.
 * @throws {AbortedError} when `signal` is aborted; looked at before every crop and face.
 */
export async function detectFaces(
  networks: Networks,
  image: Image8,
  signal?: AbortSignal,
): Promise<FaceObservation[]> {
  throwIfAborted(signal);
  requireRgba(image);
  if (Math.min(image.width, image.height) < MIN_SIDE) return [];
  const pyramid = new ImagePyramid(image);
  let faces: Candidate[] = [];
  for (const { frames, skipAbove } of searchStages(image.width, image.height)) {
    const sure = faces.filter((face) => face.score >= PLAUSIBILITY.sureScore);
    if (sure.length > 0 && sure.some((face) => face.side >= skipAbove)) continue;
    const raw: Detection[] = [];
    for (const frame of frames) {
      await breathe(signal);
      raw.push(...detectInFrame(networks, pyramid, frame, DETECTOR_DEFAULTS.minScore));
    }
    const found: Candidate[] = [];
    for (const detection of suppress(raw).slice(0, DETECTOR_DEFAULTS.maxFaces)) {
      await breathe(signal);
      const face = examine(networks, pyramid, detection);
      if (face) found.push(face);
    }
    faces = distinct([...faces, ...found]);
  }
  const out: FaceObservation[] = [];
  for (const face of faces) {
    await breathe(signal);
    out.push(observe(networks, pyramid, face.mesh, face.score));
  }
  return out.sort((a, b) => b.box.width * b.box.height - a.box.width * a.box.height);
}

/** Least presence, and the move over the face's side from which a second pass has a look, between frames of a video. */
const TRACKING = { presence: 0.6, fastMove: 0.08 } as const;

/**
 * The face of `previous` in the next picture, without detection: its mesh says where to look, as MediaPipe does between
 * video frames. One mesh pass and one of the irises; a face that moved fast gets a second mesh pass.
 * @returns null where the mesh network sees no face there, or `previous` has no mesh.
 * @throws {AbortedError} when `signal` is aborted.
 */
export function trackFace(
  networks: Networks,
  image: Image8,
  previous: FaceObservation,
  signal?: AbortSignal,
): FaceObservation | null {
  throwIfAborted(signal);
  requireRgba(image);
  if (!previous.mesh || Math.min(image.width, image.height) < MIN_SIDE) return null;
  const pyramid = new ImagePyramid(image);
  const before = Float64Array.from(previous.mesh);
  let mesh = meshInFrame(networks, pyramid, frameFromMesh(before));
  if (!(mesh.presence >= TRACKING.presence)) return null;
  if (meanMove(before, mesh.points) > TRACKING.fastMove * boundingSquare(mesh.points).side)
    mesh = meshInFrame(networks, pyramid, frameFromMesh(mesh.points));
  if (!(mesh.presence >= TRACKING.presence)) return null;
  if (!looksLikeFace(mesh.points, pyramid.width, pyramid.height)) return null;
  return observe(networks, pyramid, mesh, mesh.presence);
}

/** Mesh passes until the mesh stays in place; null when it is no face. */
function examine(networks: Networks, pyramid: ImagePyramid, detection: Detection): Candidate | null {
  let mesh = meshInFrame(networks, pyramid, frameFromDetection(detection));
  if (!(mesh.presence >= PLAUSIBILITY.firstPresence)) return null;
  let move = Infinity;
  for (let pass = 1; pass < PLAUSIBILITY.passes && move > PLAUSIBILITY.settled; pass++) {
    const next = meshInFrame(networks, pyramid, frameFromMesh(mesh.points));
    move = meanMove(mesh.points, next.points) / boundingSquare(next.points).side;
    mesh = next;
  }
  if (!(mesh.presence >= PLAUSIBILITY.presence) || !(move <= PLAUSIBILITY.lastMove)) return null;
  if (!looksLikeFace(mesh.points, pyramid.width, pyramid.height)) return null;
  const { cx, cy, side } = boundingSquare(mesh.points);
  return { mesh, score: Math.min(detection.score, mesh.presence), cx, cy, side };
}

/** @throws {InvalidArgumentError} when the pixels are not RGBA of the stated size. */
function requireRgba({ width, height, data }: Image8): void {
  if (data.length !== width * height * 4)
    throw new InvalidArgumentError(
      `detect: image.data has ${data.length} values, expected ${width}×${height}×4; give RGBA`,
    );
}

function observe(networks: Networks, pyramid: ImagePyramid, mesh: FaceMesh, score: number): FaceObservation {
  const points = refineIrises(networks, pyramid, mesh);
  const { x, y, width, height } = boundingSquare(points);
  return {
    box: { x, y, width, height },
    score,
    landmarks68: ibug68FromMesh(points),
    mesh: new Float32Array(points),
  };
}

/**
 * Of faces that overlap, the one with the best score: the same face seen in another tile or another way up, or a
 * phantom made of a part of it.
 */
function distinct(faces: readonly Candidate[]): Candidate[] {
  const kept: Candidate[] = [];
  for (const face of [...faces].sort((a, b) => b.score - a.score)) {
    if (!kept.some((other) => squareContainment(other, face) > PLAUSIBILITY.containment)) kept.push(face);
  }
  return kept;
}

/** Mean distance of the 468 points of two meshes. */
function meanMove(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < 468; i++) {
    sum += Math.hypot(a[3 * i] - b[3 * i], a[3 * i + 1] - b[3 * i + 1]);
  }
  return sum / 468;
}

/** Bounding box of the 468 mesh points, and the square of the same centre around it. */
function boundingSquare(points: Float64Array) {
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
  const width = maxX - minX;
  const height = maxY - minY;
  return {
    x: minX,
    y: minY,
    width,
    height,
    cx: minX + width / 2,
    cy: minY + height / 2,
    side: Math.max(width, height),
  };
}

/** Lets an abort come through (the networks run synchronously), when the caller can abort at all. */
async function breathe(signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return;
  await eventsHandled();
  throwIfAborted(signal);
}
