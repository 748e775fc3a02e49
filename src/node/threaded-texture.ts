/**
 * A person's texture solved on a thread of its own: frames can be tracked before it is there (1.5 s for five views of
 * 512²). The thread, with the 130 MB that it takes, is gone afterwards.
 */
import { throwIfAborted } from '../core/errors.ts';
import { createKernels } from '../kernels/runtime.ts';
import { solvePersonTexture } from '../texture/solve-offset.ts';
import { asTextureFile, type LoadedTexture } from './texture-file.ts';
import type { TextureOrder } from './texture-worker.ts';
import { startThread } from './threads.ts';

/**
 * The whole map of `solvePersonTexture`, as its file has it; on the caller's thread where the program runs from its sources.
 * @param options.signal ends a thread at once
 * @throws {InvalidArgumentError} as `solvePersonTexture`
 * @throws {AbortedError} when `options.signal` is aborted
 */
export async function personTexture(
  order: TextureOrder,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<LoadedTexture> {
  throwIfAborted(signal);
  const thread = startThread('texture-worker');
  if (!thread) {
    const { views, model } = order;
    const { texture } = solvePersonTexture(await createKernels(), views, model, { mouth: 'moving', signal });
    return asTextureFile(texture.albedo);
  }
  const end = () => void thread.stop();
  signal?.addEventListener('abort', end, { once: true });
  try {
    return (await thread.ask('solve', order)) as LoadedTexture;
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  } finally {
    signal?.removeEventListener('abort', end);
    await thread.stop();
  }
}
