/**
 * A second thread for a single photo, see `photo-helper-worker.ts`. On two cores it takes the time of looking at the
 * picture and of preparing the texture, 0.5 s of a cold start, off the way from start to end.
 */
import type { HeadModel } from '../model/head-model.ts';
import type { FaceObservation, FacePerception } from '../perceive/types.ts';
import { adoptOffsetAtlas, type OffsetAtlas, offsetHeight } from '../texture/offset-atlas.ts';
import type { HelperTask } from './photo-helper-worker.ts';
import { WorkerPool, workerModule } from './worker-pool.ts';

/** The thread at work. */
export interface PhotoHelper {
  /** Faces are found on the thread. */
  readonly faces: FacePerception;
  /** Prepares the texture offset of `model` at `width` texels; what fails here is left for the offset itself to meet. */
  prepareTexture(model: HeadModel, width: number): Promise<void>;
  close(): Promise<void>;
}

/** Starts the thread; null where this is not the built code. */
export function startPhotoHelper(): PhotoHelper | null {
  const module = workerModule('photo-helper-worker', import.meta.url);
  if (!module) return null;
  const pool = new WorkerPool<null, HelperTask, unknown>(module, 1);
  // Should the thread not come up, every task says so.
  pool.start(null).catch(() => {});
  return {
    faces: {
      detect: async (image, options) => (await pool.run({ do: 'look', image }, options)) as FaceObservation[],
      dispose: () => void pool.close(),
    },
    async prepareTexture(model, width) {
      if (model.uvs.length === 0) return;
      const { template, faces, uvs, faceUvs } = model;
      const height = offsetHeight(model, width);
      try {
        const atlas = await pool.run({ do: 'atlas', mesh: { template, faces, uvs, faceUvs }, width, height });
        adoptOffsetAtlas(model, atlas as OffsetAtlas);
      } catch {
        // Made where it is needed then.
      }
    },
    close: () => pool.close(),
  };
}
