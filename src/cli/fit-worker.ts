/** A thread of `photofit fit --jobs N`: fits photos and hands back the files of their folders. */
import type { ProgressEvent } from '../core/progress.ts';
import type { HeadModel } from '../model/head-model.ts';
import { type PackedError, packError } from '../node/worker-errors.ts';
import { serveTasks } from '../node/worker-tasks.ts';
import type { FitOptions } from './fit-options.ts';
import type { PhotoInput } from './inputs.ts';
import { openPerception } from './open-perception.ts';
import { type FaceResult, fitPhotoFile } from './photo-job.ts';

/** What every thread is given once. */
export interface FitWorkerInit {
  readonly model: HeadModel;
  readonly options: FitOptions;
}

/** What a thread says of the photo it is at. */
export type FitWorkerEvent =
  | { readonly type: 'progress'; readonly event: ProgressEvent }
  | { readonly type: 'face'; readonly result: FaceResult }
  | { readonly type: 'failed'; readonly error: PackedError; readonly face?: number };

serveTasks<FitWorkerInit, PhotoInput, void, FitWorkerEvent>(async ({ model, options }) => {
  const perception = await openPerception(options);
  return (photo, { signal, emit }) =>
    fitPhotoFile(
      photo,
      { model, perception, options, signal },
      {
        progress: (event) => emit({ type: 'progress', event }),
        face: (result) => {
          const files = result.files.map(([name, content]) => [name, movable(content)] as const);
          const buffers = files.flatMap(([, c]) => (typeof c === 'string' ? [] : [c.buffer as ArrayBuffer]));
          emit({ type: 'face', result: { ...result, files } }, buffers);
        },
        failed: (error, face) => emit({ type: 'failed', error: packError(error), face }),
      },
    );
});

/** The content in a buffer of its own; Node's own buffers may be parts of a pool, or of a library's memory. */
function movable(content: Uint8Array | string): Uint8Array | string {
  if (typeof content === 'string') return content;
  const whole = content.byteLength === content.buffer.byteLength && !Buffer.isBuffer(content);
  return whole ? content : new Uint8Array(content);
}
