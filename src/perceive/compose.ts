/**
 * One perception out of parts: where the faces are from a box detector (S3FD) or a whole perception (MediaPipe's), the
 * 68 landmarks from a landmark network (FAN) or that same perception.
 *
 *   detector  landmarks  base   boxes      68 landmarks   mesh
 *   –         FAN        any    base's     FAN's          none, or the base's with `keepMesh`
 *   S3FD      FAN        –      S3FD's     FAN's          none
 *   S3FD      FAN        any    S3FD's     FAN's          none, or the base's with `keepMesh`
 *   S3FD      –          any    S3FD's     base's         base's
 *
 * Faces are described by the base, where there is one.
 *
 * The mesh is left out beside foreign landmarks by default: a fit would weigh both, and who asks for FAN's landmarks wants
 * to see what they give. Where the base has to say something about a detector's box it is shown the part of the photo
 * around it, so that it need not find the face itself; a box in which it sees none is dropped where its landmarks
 * are needed.
 */
import { InvalidArgumentError, throwIfAborted } from '../core/errors.ts';
import type { Image8 } from '../core/image.ts';
import type { FaceBox, FaceBoxDetector, FaceObservation, FacePerception, LandmarkDetector } from './types.ts';

/** What a perception is made of; at least boxes and landmarks must come from somewhere. */
export interface PerceptionParts {
  /** Finds boxes, instead of the base. */
  readonly detector?: FaceBoxDetector | null;
  /** Finds the 68 landmarks, instead of the base. */
  readonly landmarks?: LandmarkDetector | null;
  /** Does what no other part does. */
  readonly base?: FacePerception | null;
  /** With `landmarks`: keep the mesh of the base beside them. */
  readonly keepMesh?: boolean;
}

/** Faces whose box is smaller (pixels, larger side) cannot be measured. */
const MIN_SIDE = 8;
/** The base is shown a square of this many times the box's larger side. */
const LOOK_MARGIN = 2;
/** Least overlap (intersection over union) of the base's box with the detector's to be the same face. */
const SAME_FACE = 0.25;

/**
 * Joins the parts; the result owns them, its `dispose` frees them all.
 * @throws {InvalidArgumentError} when boxes or landmarks come from nowhere, or `keepMesh` has no base
 */
export function composePerception(parts: PerceptionParts): FacePerception {
  const { detector, landmarks, base, keepMesh = false } = parts;
  const missing = !detector && !base ? 'a detector' : !landmarks && !base ? 'landmarks' : null;
  if (missing || (keepMesh && !base)) {
    throw new InvalidArgumentError(
      `composePerception: ${missing ?? 'keepMesh'} needs another part; give a base perception as well, as loadPerception makes one`,
    );
  }
  return {
    async detect(image, { signal } = {}) {
      throwIfAborted(signal);
      const seen = detector
        ? await fromDetector(detector, landmarks && !keepMesh ? null : (base ?? null), image, signal)
        : (await base!.detect(image, { signal })).map((face) => ({
            box: { ...face.box, score: face.score },
            face,
          }));
      const out: FaceObservation[] = [];
      for (const { box, face } of seen) {
        if (Math.max(box.width, box.height) < MIN_SIDE) continue;
        const own = landmarks ? await landmarks.landmarks68(image, box, { signal }) : face?.landmarks68;
        if (!own) continue;
        const { x, y, width, height, score } = box;
        const mesh = landmarks && !keepMesh ? null : (face?.mesh ?? null);
        out.push({ box: { x, y, width, height }, score, landmarks68: own, mesh });
      }
      return out;
    },
    ...(base?.describe && { describe: base.describe.bind(base) }),
    dispose() {
      detector?.dispose();
      landmarks?.dispose();
      base?.dispose();
    },
  };
}

/** The detector's boxes, each with what `base`, if any, sees there. */
async function fromDetector(
  detector: FaceBoxDetector,
  base: FacePerception | null,
  image: Image8,
  signal: AbortSignal | undefined,
): Promise<{ readonly box: FaceBox; readonly face: FaceObservation | null }[]> {
  const out: { readonly box: FaceBox; readonly face: FaceObservation | null }[] = [];
  for (const box of await detector.detectBoxes(image, { signal })) {
    out.push({ box, face: base && (await lookAt(base, image, box, signal)) });
  }
  return out;
}

/** The face that `base` sees at `box`, in pixels of the whole photo; null when it sees none there. */
async function lookAt(
  base: FacePerception,
  image: Image8,
  box: FaceBox,
  signal: AbortSignal | undefined,
): Promise<FaceObservation | null> {
  const reach = (LOOK_MARGIN / 2) * Math.max(box.width, box.height);
  const [cx, cy] = [box.x + box.width / 2, box.y + box.height / 2];
  const x0 = Math.max(0, Math.floor(cx - reach));
  const y0 = Math.max(0, Math.floor(cy - reach));
  const x1 = Math.min(image.width, Math.ceil(cx + reach));
  const y1 = Math.min(image.height, Math.ceil(cy + reach));
  if (!(x1 > x0 && y1 > y0)) return null;
  const faces = await base.detect(cut(image, x0, y0, x1 - x0, y1 - y0), { signal });
  let best: FaceObservation | null = null;
  let most = SAME_FACE;
  for (const face of faces) {
    const moved = shift(face, x0, y0);
    const overlap = boxOverlap(moved.box, box);
    if (overlap < most) continue;
    most = overlap;
    best = moved;
  }
  return best;
}

function cut(image: Image8, x0: number, y0: number, width: number, height: number): Image8 {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    const from = 4 * ((y0 + y) * image.width + x0);
    data.set(image.data.subarray(from, from + 4 * width), 4 * y * width);
  }
  return { width, height, data };
}

function shift(face: FaceObservation, dx: number, dy: number): FaceObservation {
  const by = [dx, dy, 0];
  return {
    box: { ...face.box, x: face.box.x + dx, y: face.box.y + dy },
    score: face.score,
    landmarks68: face.landmarks68.map((v, i) => v + by[i % 2]),
    mesh: face.mesh ? face.mesh.map((v, i) => v + by[i % 3]) : null,
  };
}

function boxOverlap(a: FaceObservation['box'], b: FaceBox): number {
  const w = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const h = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  const common = Math.max(0, w) * Math.max(0, h);
  return common / (a.width * a.height + b.width * b.height - common);
}
