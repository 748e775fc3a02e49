/**
 * The second thread of a single photo: looks at the picture while the first one reads the head model, prepares the
 * texture while the first one fits, and makes the meshes while the first one solves for the texture.
 */
import type { Image8 } from '../core/image.ts';
import { createKernels } from '../kernels/runtime.ts';
import type { HeadModel } from '../model/head-model.ts';
import type { FacePerception } from '../perceive/types.ts';
import { buildOffsetAtlas } from '../texture/offset-atlas.ts';
import { type MeshFitInput, makeFitMeshes } from './fit-meshes.ts';
import { loadPerception } from './perception.ts';
import { serveTasks } from './worker-tasks.ts';

/** What the thread is asked for; meshes are of the model that the atlas was made of. */
export type HelperTask =
  | { readonly do: 'look'; readonly image: Image8 }
  | {
      readonly do: 'atlas';
      /** Without its texture space, which is large and not needed. */
      readonly model: HeadModel;
      readonly width: number;
      readonly height: number;
    }
  | { readonly do: 'meshes'; readonly fit: MeshFitInput; readonly vertices: Float32Array };

serveTasks<null, HelperTask, unknown>(() => {
  // Begun before anybody asks; a failure is told with the first picture.
  const loading: Promise<FacePerception> = loadPerception();
  loading.catch(() => {});
  let head: HeadModel | null = null;
  return async (task, { signal, moveArrays }) => {
    switch (task.do) {
      case 'look':
        return (await loading).detect(task.image, { signal });
      case 'atlas':
        head = task.model;
        moveArrays();
        return buildOffsetAtlas(await createKernels(), task.model, task.width, task.height);
      case 'meshes':
        if (!head) throw new Error('photo-helper: meshes were asked for before the atlas');
        return makeFitMeshes(head, task.fit, task.vertices);
    }
  };
});
