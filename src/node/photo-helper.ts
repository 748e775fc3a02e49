/**
 * A second thread for a single photo, see `photo-helper-worker.ts`. On two cores it takes the time of looking at the
 * picture, of preparing the texture and of making meshes, a second of a cold start, off the way from start to end.
 */
import type { HeadModel } from '../model/head-model.ts';
import type { FaceObservation, FacePerception } from '../perceive/types.ts';
import { adoptOffsetAtlas, type OffsetAtlas, offsetHeight } from '../texture/offset-atlas.ts';
import type { FitMeshes, MeshFitInput } from './fit-meshes.ts';
import type { HelperTask } from './photo-helper-worker.ts';
import { WorkerPool, workerModule } from './worker-pool.ts';

/** The thread at work. */
export interface PhotoHelper {
  /** Faces are found on the thread. */
  readonly faces: FacePerception;
  /** Prepares the texture offset of `model` at `width` texels; what fails here is left for the offset itself to meet. */
  prepareTexture(model: HeadModel, width: number): Promise<void>;
  /**
   * Meshes of a fit with the model that the texture was prepared for; rejects where that was not done.
   * @param vertices (V,3) of the fit as posed.
   */
  meshes(fit: MeshFitInput, vertices: Float32Array): Promise<FitMeshes>;
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
      const height = offsetHeight(model, width);
      try {
        const atlas = await pool.run({ do: 'atlas', model: { ...model, texture: null }, width, height });
        adoptOffsetAtlas(model, atlas as OffsetAtlas);
      } catch {
        // Made where it is needed then.
      }
    },
    meshes: async ({ params, camera, image, light }, vertices) =>
      (await pool.run({ do: 'meshes', fit: { params, camera, image, light }, vertices })) as FitMeshes,
    close: () => pool.close(),
  };
}
