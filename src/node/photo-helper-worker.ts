/**
 * The second thread of a single photo: looks at the picture while the first one reads the head model, and prepares the
 * texture while the first one fits.
 */
import type { Image8 } from '../core/image.ts';
import { createKernels } from '../kernels/runtime.ts';
import type { FacePerception } from '../perceive/types.ts';
import { buildOffsetAtlas } from '../texture/offset-atlas.ts';
import type { TexturedMesh } from '../texture/texel-graph.ts';
import { loadPerception } from './perception.ts';
import { serveTasks } from './worker-tasks.ts';

/** What the thread is asked for. */
export type HelperTask =
  | { readonly do: 'look'; readonly image: Image8 }
  | { readonly do: 'atlas'; readonly mesh: TexturedMesh; readonly width: number; readonly height: number };

serveTasks<null, HelperTask, unknown>(() => {
  // Begun before anybody asks; a failure is told with the first picture.
  const loading: Promise<FacePerception> = loadPerception();
  loading.catch(() => {});
  return async (task, { signal }) =>
    task.do === 'look'
      ? (await loading).detect(task.image, { signal })
      : buildOffsetAtlas(await createKernels(), task.mesh, task.width, task.height);
});
