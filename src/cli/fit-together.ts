/** `photofit fit --same-person`: all photos looked at, then fitted together as one head. */
import { AbortedError, PhotofitError } from '../core/errors.ts';
import type { ImageF } from '../core/image.ts';
import type { DecodedPhoto } from '../core/photo.ts';
import type { ProgressListener } from '../core/progress.ts';
import { fitPerson } from '../fit/fit-person.ts';
import { decodePhoto } from '../node/photo.ts';
import type { PhotoInput } from './inputs.ts';
import { checkMeasures } from './measures.ts';
import {
  chooseFaces,
  type FaceResult,
  type FaceTask,
  FIT_SHARE,
  faceFiles,
  fileOf,
  type LookTimes,
  type PhotoSurroundings,
  personOptions,
  readMask,
  solveTexture,
  viewOptions,
} from './photo-job.ts';

/** Share of the bar that decoding and detection take. */
const LOOK_SHARE = 0.2;

/** Hears what becomes of the photos. */
export interface TogetherListener {
  readonly progress: ProgressListener;
  face(photo: PhotoInput, result: FaceResult): Promise<void>;
  failed(photo: PhotoInput, error: unknown): void;
}

/** One photo of a person, ready to be fitted. */
interface PersonView {
  readonly photo: PhotoInput;
  readonly decoded: DecodedPhoto;
  readonly task: FaceTask;
  readonly mask: ImageF | null;
  readonly times: LookTimes;
}

/**
 * Fits all photos at once, as one person; photos that cannot be read or show no face are told to `listener` and left out.
 * @throws {AbortedError} when cancelled
 */
export async function fitTogether(
  photos: readonly PhotoInput[],
  surroundings: PhotoSurroundings,
  listener: TogetherListener,
): Promise<void> {
  const { model, options, signal } = surroundings;
  const { light, leaveOut } = options;
  const views: PersonView[] = [];
  for (const [i, photo] of photos.entries()) {
    try {
      listener.progress({ stage: `look at photo ${i + 1}`, fraction: (LOOK_SHARE * i) / photos.length });
      views.push(await lookAt(photo, surroundings));
    } catch (error) {
      if (error instanceof AbortedError) throw error;
      listener.failed(photo, error);
    }
  }
  if (views.length === 0) return;
  for (const { decoded } of views) checkMeasures(options, fileOf(decoded), model);
  const person = await fitPerson(
    views.map(({ decoded, task, mask }) => ({
      ...viewOptions(decoded, options),
      image: decoded.image,
      observation: task.observation,
      mask,
    })),
    model,
    {
      ...personOptions(options),
      perception: surroundings.perception.faces,
      light,
      strangers: leaveOut ? 'leave-out' : 'warn',
      signal,
      onProgress: (event) =>
        listener.progress({ ...event, fraction: LOOK_SHARE + (FIT_SHARE - LOOK_SHARE) * event.fraction }),
    },
  );
  listener.progress({ stage: 'texture', fraction: FIT_SHARE });
  const texture = await solveTexture(
    views.flatMap(({ decoded }, i) => {
      const fit = person.fits[i];
      // A stranger's skin does not belong on this head.
      return fit && !person.strangers.includes(i) ? [{ fit, photo: decoded.image }] : [];
    }),
    model,
    options,
    signal,
  );
  for (const [i, view] of views.entries()) {
    const fit = person.fits[i];
    const { photo } = view;
    try {
      if (!fit)
        throw new PhotofitError(
          `${photo.file}: left out, it seems to show somebody else than the other photos; fit it on its own, or without --leave-out`,
        );
      listener.progress({ stage: 'write', fraction: FIT_SHARE + ((1 - FIT_SHARE) * i) / views.length });
      await listener.face(photo, await faceFiles({ ...view, fit, texture, model }));
    } catch (error) {
      if (error instanceof AbortedError) throw error;
      listener.failed(photo, error);
    }
  }
}

async function lookAt(
  photo: PhotoInput,
  { perception, options, signal }: PhotoSurroundings,
): Promise<PersonView> {
  const started = performance.now();
  const decoded = await decodePhoto(photo.file, { signal });
  const decode = performance.now() - started;
  const faces = await perception.faces.detect(decoded.image, { signal });
  const perceive = performance.now() - started - decode;
  const [task] = chooseFaces(photo, faces, options);
  const mask =
    options.mask === undefined
      ? ((await perception.skin?.skinMask(decoded.image, task.observation, { signal })) ?? null)
      : await readMask(options.mask, decoded);
  return { photo, decoded, task, mask, times: { decode, perceive } };
}
