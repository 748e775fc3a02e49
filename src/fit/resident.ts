/**
 * A prepared model in kernel memory, where it stays from fit to fit. A fit's own arrays come and go above it on the
 * memory stack (`kernels.scope`); fits run synchronously, so that all fits of a thread can share one memory.
 */
import type { ImageF } from '../core/image.ts';
import type { CollectMesh } from '../kernels/collect.ts';
import { createKernels, type F32, type KernelOptions, type Kernels } from '../kernels/runtime.ts';
import type { WasmImage } from '../kernels/sample.ts';
import { type Fans, SURFACE_ROWS, takeFans } from '../kernels/surface.ts';
import { type HeadModel, headSizes } from '../model/head-model.ts';
import type { PoseInput, Skeleton } from '../model/pose.ts';
import { poseResident, type ResidentHead, takeHead } from '../model/resident-head.ts';
import { tintMaps } from '../model/tint.ts';
import type { ParameterLayout } from './parameters.ts';
import { type PreparedModel, prepareModel } from './prepare.ts';

/** Translation and focal length. */
const CAMERA_COLUMNS = 4;

/** Row stride of Jacobians of that many columns: one to spare, whole pairs of vectors. */
export function rowStride(columns: number): number {
  return (columns + 8) & ~7;
}

/** {@link PreparedModel} in kernel memory. */
export interface ResidentModel {
  readonly prepared: PreparedModel;
  readonly head: ResidentHead;
  readonly fans: Fans;
  /** The skin region's part of the mesh; slots are fans. */
  readonly skin: CollectMesh;
  readonly texture: { readonly coarse: WasmImage; readonly fine: WasmImage } | null;
  /** Room for derivatives of one state, whichever fit is at work. */
  readonly work: WorkArrays;
  /** Poses `head`; nothing is done for the object that it was posed by last. */
  pose(params: PoseInput): Skeleton;
}

/** Room for the widest derivatives of a model; what is in it is lost from one linearisation to the next. */
export interface WorkArrays {
  /** (3R,stride), (4·fans,stride) and (4·fans,stride) float32. */
  readonly rows: F32;
  readonly P: F32;
  readonly HP: F32;
  /** Whose columns are in `rows`. */
  layout: ParameterLayout | null;
}

function takeWork(kernels: Kernels, { model, ids, fans }: PreparedModel): WorkArrays {
  const { S, E, J } = headSizes(model);
  const stride = rowStride(S + E + 3 * J + CAMERA_COLUMNS);
  const P = () => kernels.f32(SURFACE_ROWS * fans.centres.length * stride);
  return { rows: kernels.f32(3 * ids.length * stride), P: P(), HP: P(), layout: null };
}

/** Copies `prepared` into kernel memory. */
export function takeModel(kernels: Kernels, prepared: PreparedModel): ResidentModel {
  const image = ({ width, height, channels, data }: ImageF): WasmImage => {
    return { width, height, channels, data: kernels.f32(data) };
  };
  const takeMaps = () => {
    if (!prepared.texture) return null;
    const fine = image(prepared.texture.fine);
    return {
      fine,
      coarse: prepared.texture.coarse === prepared.texture.fine ? fine : image(prepared.texture.coarse),
    };
  };
  const head = takeHead(kernels, prepared.model, prepared.ids);
  let last: { readonly params: PoseInput; readonly skeleton: Skeleton } | null = null;
  return {
    prepared,
    head,
    fans: takeFans(kernels, prepared.fans),
    skin: {
      faces: head.faces,
      edges: kernels.u32(prepared.faceEdges),
      edgeCount: prepared.edgeCount,
      wanted: kernels.u8(prepared.skinFaces),
      textureFaces: kernels.u32(prepared.model.faceUvs),
      textureCoordinates: kernels.f32(prepared.model.uvs),
      slots: kernels.i32(prepared.fanOf),
      slotCount: prepared.fans.centres.length,
    },
    work: takeWork(kernels, prepared),
    texture: takeMaps(),
    pose: (params) => {
      if (last?.params !== params) last = { params, skeleton: poseResident(kernels, head, params) };
      return last.skeleton;
    },
  };
}

/** (V,3) vertices of a pose, a copy: a millisecond where `poseHead` takes three, and ten the first time. */
export function posedVertices({ resident }: FitMemory, params: PoseInput): Float32Array {
  resident.pose(params);
  return resident.head.vertices.view.slice();
}

/** Kernels with a model in their memory. */
export interface FitMemory {
  readonly kernels: Kernels;
  readonly resident: ResidentModel;
}

const memories = new WeakMap<PreparedModel, Promise<FitMemory>>();

/** Kernels that hold `prepared`, made once per prepared model. */
export function fitMemory(prepared: PreparedModel): Promise<FitMemory> {
  return memories.get(prepared) ?? makeMemory(prepared, {});
}

/**
 * Makes the kernels that all further fits of `model` use, and puts the model into their memory.
 * Threads of kernels that were made for it before are ended.
 */
export async function prepareFits(model: HeadModel, options: KernelOptions): Promise<FitMemory> {
  const prepared = prepareModel(model);
  // Here, where another thread looks for faces meanwhile, rather than within the first fit.
  tintMaps(model);
  const before = memories.get(prepared);
  const memory = makeMemory(prepared, options);
  (await before)?.kernels.close();
  return memory;
}

function makeMemory(prepared: PreparedModel, options: KernelOptions): Promise<FitMemory> {
  const memory = createKernels(options).then((kernels) => ({
    kernels,
    resident: takeModel(kernels, prepared),
  }));
  memory.catch(() => memories.delete(prepared));
  memories.set(prepared, memory);
  return memory;
}
