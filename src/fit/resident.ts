/**
 * A prepared model in kernel memory, where it stays from fit to fit. A fit's own arrays come and go above it on the
 * memory stack (`kernels.scope`); fits run synchronously, so that all fits of a thread can share one memory.
 */
import { createKernels, type Kernels } from '../kernels/runtime.ts';
import type { WasmImage } from '../kernels/sample.ts';
import { type Fans, takeFans } from '../kernels/surface.ts';
import type { PoseInput, Skeleton } from '../model/pose.ts';
import { poseResident, type ResidentHead, takeHead } from '../model/resident-head.ts';
import type { PreparedModel } from './prepare.ts';

/** {@link PreparedModel} in kernel memory. */
export interface ResidentModel {
  readonly prepared: PreparedModel;
  readonly head: ResidentHead;
  readonly fans: Fans;
  readonly texture: { readonly coarse: WasmImage; readonly fine: WasmImage } | null;
  /** Poses `head`; nothing is done for the object that it was posed by last. */
  pose(params: PoseInput): Skeleton;
}

/** Copies `prepared` into kernel memory. */
export function takeModel(kernels: Kernels, prepared: PreparedModel): ResidentModel {
  const image = (name: 'coarse' | 'fine'): WasmImage => {
    const { width, height, channels, data } = prepared.texture![name];
    return { width, height, channels, data: kernels.f32(data) };
  };
  const head = takeHead(kernels, prepared.model, prepared.ids);
  let last: { readonly params: PoseInput; readonly skeleton: Skeleton } | null = null;
  return {
    prepared,
    head,
    fans: takeFans(kernels, prepared.fans),
    texture: prepared.texture ? { coarse: image('coarse'), fine: image('fine') } : null,
    pose: (params) => {
      if (last?.params !== params) last = { params, skeleton: poseResident(kernels, head, params) };
      return last.skeleton;
    },
  };
}

/** Kernels with a model in their memory. */
export interface FitMemory {
  readonly kernels: Kernels;
  readonly resident: ResidentModel;
}

const memories = new WeakMap<PreparedModel, Promise<FitMemory>>();

/** Kernels that hold `prepared`, made once per prepared model. */
export function fitMemory(prepared: PreparedModel): Promise<FitMemory> {
  let memory = memories.get(prepared);
  if (!memory) {
    memory = createKernels().then((kernels) => ({ kernels, resident: takeModel(kernels, prepared) }));
    memory.catch(() => memories.delete(prepared));
    memories.set(prepared, memory);
  }
  return memory;
}
