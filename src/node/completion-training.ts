/**
 * A completion network trained on a folder of maps. The folder of the training holds
 *
 *   checkpoint.safetensors   parameters, Adam's memory, components, settings: all that going on needs
 *   loss.csv, loss.png       loss of every step, error on held-out questions
 *   samples.png              those questions with the answers of the network and of the classical completions
 *
 * and all four are renewed fifty times in a training, each written aside and renamed. A training that was ended in any way
 * goes on from its checkpoint to the same bytes as one that never stopped (of two processors of one kind). How many steps
 * there are is settled when it begins, because the learning rate follows a curve to its end.
 */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { AbortedError, FormatError, InvalidArgumentError } from '../core/errors.ts';
import type { ProgressListener } from '../core/progress.ts';
import { sha256Hex } from '../core/sha256.ts';
import type { Kernels } from '../kernels/runtime.ts';
import type { HeadModel } from '../model/head-model.ts';
import { uvLayoutHash } from '../model/space-pack.ts';
import type { ParameterShape } from '../nn/network.ts';
import { buildCompletionAtlas, type CompletionAtlas, restrictAtlas } from '../texture/completion/atlas.ts';
import { answerCheck, type CheckErrors, checkErrors, checkQuestions } from '../texture/completion/check.ts';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from '../texture/completion/checkpoint.ts';
import { headMean } from '../texture/completion/full-size.ts';
import { createCompletionNetwork } from '../texture/completion/network.ts';
import {
  ExampleRunner,
  initialState,
  resolveTraining,
  type TrainingOptions,
  type TrainingState,
} from '../texture/completion/training.ts';
import {
  createTrainingSet,
  LEAST_MAPS,
  learnedComponents,
  type TrainingSet,
} from '../texture/completion/training-set.ts';
import { writeFileAtomically } from './atomic.ts';
import { lossCsv, lossPng, samplesPng } from './completion-pictures.ts';
import type { MapFolder } from './map-folder.ts';
import { startTrainingThreads, type TrainingThreads } from './training-threads.ts';

/** Options of {@link trainCompletion}. */
export interface CompletionTrainingOptions extends TrainingOptions {
  /** Texels along each side of the small maps; the size of the maps is a multiple of it. Default 128, or the maps'. */
  readonly size?: number;
  /** Principal components, at most a quarter of the maps. */
  readonly components?: number;
  /** As many steps as fit into this time; instead of `steps`. */
  readonly minutes?: number;
  /** Default: one per core. */
  readonly threads?: number;
  /** Begin anew, whatever the folder holds. */
  readonly restart?: boolean;
  readonly signal?: AbortSignal;
  /** Fractions are of the phase. */
  readonly onProgress?: ProgressListener;
  /** Hears of the phases as they begin: `clean` (outliers), `learn` (components), `train`, `complete`. */
  readonly onPhase?: (phase: CompletionPhase) => void;
  /** Hears what is worth a line of a log. */
  readonly onNote?: (line: string) => void;
  /** File that training threads run, where this is not the built package. @internal */
  readonly worker?: string;
}

/** What is going on. */
export type CompletionPhase = 'clean' | 'learn' | 'train' | 'complete';

/** Texels along each side that a network is trained at. */
export const TRAINING_SIZE = 128;
/** File of a training's folder that holds its state. */
export const CHECKPOINT_FILE = 'checkpoint.safetensors';
/** Times that a training is saved. */
const SAVES = 50;
/** One of so many maps is held out, where there are as many; at most {@link HELD_OUT_MOST}. */
const HELD_OUT = 20;
const HELD_OUT_MOST = 32;

/** A trained network. */
export interface TrainedCompletion {
  readonly file: string;
  readonly checkpoint: Checkpoint;
  /** Steps that this run did, and the seconds they took. */
  readonly steps: number;
  readonly seconds: number;
  /** On held-out questions, in albedo. */
  readonly errors: CheckErrors;
}

/**
 * Trains a network on `maps`, or goes on with the training that `folder` holds.
 * @throws {InvalidArgumentError} on fewer than 8 maps, maps of another UV layout, or when `folder` holds a training with
 *   other settings or on other maps
 * @throws {FormatError} when its checkpoint is none, or of another network
 * @throws {AbortedError} when cancelled; the steps done are in the checkpoint
 */
export async function trainCompletion(
  kernels: Kernels,
  model: HeadModel,
  maps: MapFolder,
  folder: string,
  options: CompletionTrainingOptions = {},
): Promise<TrainedCompletion> {
  const file = `${folder}/${CHECKPOINT_FILE}`;
  const layout = await uvLayoutHash(model);
  checkMapLayout(maps, layout, model.name);
  const mapsHash = await sha256Hex(new TextEncoder().encode(maps.names.join('\n')));
  const before = options.restart ? null : await readCheckpoint(kernels, file);
  const count = maps.names.length;
  const heldOut = count < HELD_OUT ? 0 : Math.min(HELD_OUT_MOST, Math.ceil(count / HELD_OUT));
  const components =
    options.components === undefined ? undefined : learnedComponents(options.components, count - heldOut);
  if (before)
    checkGoesOn(before, file, { layout, maps: mapsHash, model: model.name }, { ...options, components });
  const size = before?.size ?? options.size ?? Math.min(TRAINING_SIZE, maps.size);
  options.onPhase?.('learn');
  const whole = buildCompletionAtlas(kernels, model, size);
  const base = headMean(model, whole);
  const { set, atlas } = await createTrainingSet(kernels, whole, maps, {
    ...(base && { base }),
    least: LEAST_MAPS,
    ...(options.components !== undefined && { components: options.components }),
    heldOut,
    shared: true,
    ...(before && { learned: before }),
    ...(options.signal && { signal: options.signal }),
    ...(options.onProgress && { onProgress: options.onProgress }),
  });
  options.onPhase?.('train');
  const start = await settle(kernels, atlas, set, before, options);
  const saved = (state: TrainingState, checks: Checkpoint['checks']): Checkpoint => ({
    model: { name: model.name, hash: model.hash },
    layout,
    size,
    options: start.options,
    maps: mapsHash,
    state,
    checks,
    shapes: start.runner.network.network.parameters,
    keep: set.keep,
    pca: set.pca,
    folds: set.folds,
  });
  return new Run(atlas, set, start, folder, saved, options).toEnd();
}

/** Where a run begins. */
interface Start {
  readonly runner: ExampleRunner;
  readonly options: Required<TrainingOptions>;
  readonly state: TrainingState;
  readonly checks: Checkpoint['checks'];
}

/** Settles the number of steps and everything else that a training keeps to its end. */
async function settle(
  kernels: Kernels,
  atlas: CompletionAtlas,
  set: TrainingSet,
  before: Checkpoint | null,
  wanted: CompletionTrainingOptions,
): Promise<Start> {
  if (before) {
    const { options, state, checks } = before;
    wanted.onNote?.(`goes on from step ${state.step} of ${options.steps}`);
    return { runner: new ExampleRunner(kernels, atlas, options.base), options, state, checks };
  }
  const { base, batch, steps, rate, seed } = wanted;
  const given = Object.fromEntries(
    Object.entries({ base, batch, steps, rate, seed }).filter(([, value]) => value !== undefined),
  );
  let options = resolveTraining(given);
  const runner = new ExampleRunner(kernels, atlas, options.base);
  const parameters = runner.network.network.initialParameters(options.seed);
  if (wanted.minutes !== undefined && steps === undefined) {
    const each = await timeStep(atlas, set, initialState(parameters, true), options, wanted);
    options = resolveTraining({ ...options, steps: Math.max(20, Math.floor((60 * wanted.minutes) / each)) });
    wanted.onNote?.(`${each.toFixed(2)} s a step: ${options.steps} steps`);
  }
  return { runner, options, state: initialState(parameters, true), checks: [] };
}

/** Seconds that a step takes, saving and checking counted in. */
async function timeStep(
  atlas: CompletionAtlas,
  set: TrainingSet,
  state: TrainingState,
  options: Required<TrainingOptions>,
  wanted: CompletionTrainingOptions,
): Promise<number> {
  const team = await startTrainingThreads(atlas, set, state, options, threadsOf(wanted));
  try {
    let s = await team.step(state);
    const from = performance.now();
    for (let i = 0; i < 3; i++) {
      if (wanted.signal?.aborted) throw new AbortedError('cancelled', { cause: wanted.signal.reason });
      s = await team.step(s);
    }
    return (1.05 * (performance.now() - from)) / 3000;
  } finally {
    await team.close();
  }
}

const threadsOf = ({ threads, worker }: CompletionTrainingOptions) => ({
  threads: threads ?? availableParallelism(),
  ...(worker !== undefined && { worker }),
});

/** A training from wherever it begins to its end. */
class Run {
  readonly #atlas: CompletionAtlas;
  readonly #set: TrainingSet;
  readonly #start: Start;
  readonly #folder: string;
  readonly #checkpoint: (state: TrainingState, checks: Checkpoint['checks']) => Checkpoint;
  readonly #wanted: CompletionTrainingOptions;
  #checks: Checkpoint['checks'];

  constructor(
    atlas: CompletionAtlas,
    set: TrainingSet,
    start: Start,
    folder: string,
    checkpoint: (state: TrainingState, checks: Checkpoint['checks']) => Checkpoint,
    wanted: CompletionTrainingOptions,
  ) {
    this.#atlas = atlas;
    this.#set = set;
    this.#start = start;
    this.#folder = folder;
    this.#checkpoint = checkpoint;
    this.#wanted = wanted;
    this.#checks = start.checks;
  }

  async toEnd(): Promise<TrainedCompletion> {
    const { options, state: first } = this.#start;
    const { signal, onProgress, onNote } = this.#wanted;
    const every = Math.max(1, Math.ceil(options.steps / SAVES));
    let state = first;
    const from = performance.now();
    let team: TrainingThreads | null = null;
    let errors: CheckErrors | null = null;
    try {
      while (state.step < options.steps) {
        if (signal?.aborted) {
          await this.#save(state);
          throw new AbortedError('cancelled', { cause: signal.reason });
        }
        team ??= await startTrainingThreads(this.#atlas, this.#set, state, options, threadsOf(this.#wanted));
        state = await team.step(state);
        onProgress?.({
          stage: 'train',
          fraction: state.step / options.steps,
          energy: recent(state.losses, every),
        });
        if (state.step % every > 0 && state.step < options.steps) continue;
        errors = await this.#show(state);
        await this.#save(state);
        const left = ((performance.now() - from) / (state.step - first.step)) * (options.steps - state.step);
        onNote?.(
          `step ${state.step} of ${options.steps}, loss ${recent(state.losses, every).toFixed(5)}, ` +
            `held out ${this.#checks.at(-1)?.error.toFixed(5)}, ${Math.round(left / 1000)} s left`,
        );
      }
    } finally {
      await team?.close();
    }
    const seconds = (performance.now() - from) / 1000;
    errors ??= await this.#show(state);
    return {
      file: `${this.#folder}/${CHECKPOINT_FILE}`,
      checkpoint: this.#checkpoint(state, this.#checks),
      steps: state.step - first.step,
      seconds,
      errors,
    };
  }

  /** Asks the held-out questions and draws the pictures. @returns the errors of the answers */
  async #show(state: TrainingState): Promise<CheckErrors> {
    const { runner, options } = this.#start;
    runner.network.network.load(state.parameters);
    const questions = checkQuestions(this.#atlas, this.#set, options.seed);
    const answers = questions.map((question) => answerCheck(runner, this.#set, question));
    const errors = checkErrors(questions, answers);
    // As a checkpoint holds it.
    const check = { step: state.step, error: Math.fround(errors.network) };
    this.#checks = [...this.#checks.filter(({ step }) => step < state.step), check];
    const { count, trained } = this.#set;
    const title = `after ${state.step} of ${options.steps} steps, ${count > trained ? 'maps that nothing was learned from' : 'maps that were learned from'}`;
    const write = (name: string, content: Uint8Array | string) =>
      writeFileAtomically(`${this.#folder}/${name}`, content);
    await write('loss.csv', lossCsv(state.losses, this.#checks));
    await write('loss.png', await lossPng(state.losses, this.#checks, errors, options.steps));
    await write('samples.png', await samplesPng(this.#atlas, runner.window, questions, answers, title));
    return errors;
  }

  #save(state: TrainingState): Promise<void> {
    return writeFileAtomically(
      `${this.#folder}/${CHECKPOINT_FILE}`,
      encodeCheckpoint(this.#checkpoint(state, this.#checks)),
    );
  }
}

/** Mean of the last `count` losses. */
function recent(losses: readonly number[], count: number): number {
  const last = losses.slice(-count);
  return last.reduce((a, b) => a + b, 0) / last.length;
}

/**
 * Reads a checkpoint; null where there is no such file.
 * @throws {FormatError} when it is none, or of another network
 */
export async function readCheckpoint(kernels: Kernels, file: string): Promise<Checkpoint | null> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return null;
  });
  return bytes && decodeCheckpoint(bytes, file, (base) => networkShapes(kernels, base, file), true);
}

function networkShapes(kernels: Kernels, base: number, file: string): readonly ParameterShape[] {
  try {
    return kernels.scope(() =>
      createCompletionNetwork(kernels, { height: 8, width: 8, base }).network.parameters.map(
        ({ name, shape }) => ({ name, shape }),
      ),
    );
  } catch (cause) {
    throw new FormatError(`${file}: belongs to another network (base ${base}); train anew`, { cause });
  }
}

/** The atlas of a checkpoint, and a runner with its parameters. */
export function openCheckpoint(
  kernels: Kernels,
  model: HeadModel,
  { size, keep, options, state }: Checkpoint,
  file: string,
): { whole: CompletionAtlas; atlas: CompletionAtlas; runner: ExampleRunner } {
  const whole = buildCompletionAtlas(kernels, model, size);
  if (whole.graph.texels.length !== keep.length)
    throw new FormatError(`${file}: its part of the map does not fit the head ${model.name}; train anew`);
  const atlas = restrictAtlas(kernels, whole, keep);
  const runner = new ExampleRunner(kernels, atlas, options.base);
  runner.network.network.load(state.parameters);
  return { whole, atlas, runner };
}

/** Refuses maps of another UV layout than the head's. @throws {InvalidArgumentError} */
export function checkMapLayout(maps: MapFolder, layout: string, model: string): void {
  if (maps.layoutHash === null || maps.layoutHash === layout) return;
  throw new InvalidArgumentError(
    `${maps.file(0)}: lies on another UV layout than that of the head ${model}; name the head it was made with by --model`,
  );
}

function checkGoesOn(
  before: Checkpoint,
  file: string,
  now: { layout: string; maps: string; model: string },
  options: CompletionTrainingOptions,
): void {
  const fail = (what: string): never => {
    throw new InvalidArgumentError(`${file}: ${what}; --restart trains anew and replaces it`);
  };
  if (before.layout !== now.layout)
    fail(
      `is a network for the UV layout of the head ${before.model.name}, which is not that of ${now.model}`,
    );
  if (before.maps !== now.maps)
    fail('was trained on other maps than there are now; --checkpoint uses it as it is');
  const settled: Record<string, number> = {
    ...before.options,
    size: before.size,
    components: before.pca.components,
  };
  for (const key of ['seed', 'steps', 'base', 'batch', 'rate', 'size', 'components'] as const)
    if (options[key] !== undefined && options[key] !== settled[key])
      fail(`was begun with ${key} ${settled[key]}, not ${options[key]}`);
}
