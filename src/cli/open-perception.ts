/** The perception that a command line asks for: the built-in networks, and the user's in the place of some of them. */
import { readFile } from 'node:fs/promises';
import { InvalidArgumentError } from '../core/errors.ts';
import { onnxRuntime } from '../node/onnx.ts';
import { loadPerception } from '../node/perception.ts';
import { loadThreadedPerception } from '../node/threaded-perception.ts';
import { loadBisenet } from '../perceive/bisenet.ts';
import { composePerception } from '../perceive/compose.ts';
import { FAN_DEFAULTS, FAN_ORIGINAL, loadFan } from '../perceive/fan.ts';
import { loadS3fd } from '../perceive/s3fd.ts';
import type { FacePerception, SkinParser } from '../perceive/types.ts';
import type { NetworkOptions } from './network-options.ts';

/** What looks at the photos of one run. */
export interface OpenPerception {
  readonly faces: FacePerception;
  /** Finds skin, where asked for. */
  readonly skin: SkinParser | null;
  dispose(): void;
}

/**
 * Loads the networks; those that nothing is asked of are not loaded.
 * @throws {InvalidArgumentError} when options do not go together
 * @throws {FormatError} when a file is not the network it was given as; file-system errors pass through
 */
export async function openPerception(options: NetworkOptions & { mask?: string }): Promise<OpenPerception> {
  const { landmarks, detector, parsing, parsingClasses, keepMesh } = options;
  if (keepMesh && !landmarks) {
    throw new InvalidArgumentError(
      "--keep-mesh: keeps the mesh beside another network's landmarks; give --landmarks",
    );
  }
  if (parsingClasses && !parsing) {
    throw new InvalidArgumentError('--parsing-classes: are those of a network; give --parsing');
  }
  if (parsing && options.mask !== undefined) {
    throw new InvalidArgumentError('--mask with --parsing: both say where skin is; leave one out');
  }
  const runtime = onnxRuntime();
  const opened: { dispose(): void }[] = [];
  const keep = <T extends { dispose(): void }>(part: T): T => {
    opened.push(part);
    return part;
  };
  try {
    const fan = landmarks
      ? keep(
          await loadFan(await readFile(landmarks.file), runtime, {
            ...(landmarks.kind === 'fan' ? FAN_DEFAULTS : FAN_ORIGINAL),
            file: landmarks.file,
          }),
        )
      : null;
    const s3fd = detector
      ? keep(await loadS3fd(await readFile(detector.file), runtime, { file: detector.file }))
      : null;
    const skin = parsing
      ? keep(
          await loadBisenet(await readFile(parsing.file), runtime, {
            file: parsing.file,
            ...(parsingClasses && { classes: parsingClasses }),
          }),
        )
      : null;
    const base = fan && s3fd && !keepMesh ? null : keep(await loadPerception());
    const faces = fan || s3fd ? composePerception({ detector: s3fd, landmarks: fan, base, keepMesh }) : base!;
    return { faces, skin, dispose: () => opened.forEach((part) => void part.dispose()) };
  } catch (error) {
    for (const part of opened) part.dispose();
    throw error;
  }
}

/** As {@link openPerception}, for videos: the built-in networks on a thread of their own. */
export async function openTrackPerception(options: NetworkOptions): Promise<OpenPerception> {
  if (options.landmarks || options.detector || options.parsing || options.keepMesh)
    return openPerception(options);
  const faces = await loadThreadedPerception();
  return { faces, skin: null, dispose: () => faces.dispose() };
}
