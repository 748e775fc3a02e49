/** The thread that solves for a person's texture; see `threaded-texture.ts`. */
import { createKernels } from '../kernels/runtime.ts';
import type { HeadModel } from '../model/head-model.ts';
import { solvePersonTexture } from '../texture/solve-offset.ts';
import type { TextureView } from '../texture/texture-view.ts';
import { asTextureFile } from './texture-file.ts';
import { giveWay, serve } from './threads.ts';

/** What is solved. */
export interface TextureOrder {
  readonly views: readonly TextureView[];
  readonly model: HeadModel;
}

serve({
  solve: async ({ views, model }: TextureOrder) => {
    // Frames are tracked meanwhile.
    giveWay();
    const { texture } = solvePersonTexture(await createKernels(), views, model, { mouth: 'moving' });
    const value = await asTextureFile(texture.albedo);
    return { value, transfer: [value.albedo.data.buffer as ArrayBuffer] };
  },
});
