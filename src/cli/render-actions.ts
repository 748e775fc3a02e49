/** What `photofit render` does: a fit from disk, changed as asked, drawn once or all around. */
import path from 'node:path';
import { InvalidArgumentError } from '../core/errors.ts';
import { nearNames } from '../core/near-names.ts';
import { setExpressions } from '../fit/expression-names.ts';
import { renderView, type ViewKind, type ViewOptions } from '../fit/render-view.ts';
import { createKernels } from '../kernels/runtime.ts';
import { LIGHT_NAMES, type LightName, namedLight } from '../light/presets.ts';
import type { HeadModel, HeadParams } from '../model/head-model.ts';
import { jointIndex } from '../model/head-model.ts';
import { writeFileAtomically } from '../node/atomic.ts';
import { type LoadedFit, loadFit } from '../node/load-fit.ts';
import { decodePhoto } from '../node/photo.ts';
import { encodePicture, sequenceKind, writeSequence } from '../node/picture-files.ts';
import { type CliContext, EXIT } from './context.ts';
import { ProgressBar } from './progress-bar.ts';
import type { RenderOptions } from './render-options.ts';

const DEGREE = Math.PI / 180;

/** Draws the fit as `options` say; the name of what was written goes to stdout. */
export async function renderFitCommand(
  fit: string,
  options: RenderOptions,
  { stdout, stderr, signal }: CliContext,
): Promise<number> {
  const { turntable } = options;
  const light = parseLight(options.light);
  const show = kindOf(options);
  if (turntable !== undefined && options.frame === 'photo')
    throw new InvalidArgumentError('--turntable turns the head around its middle; leave --frame photo away');
  if (turntable !== undefined && options.out) sequenceKind(options.out);
  const loaded = await loadFit(fit, { model: options.model, space: options.space });
  const out = options.out ?? defaultName(loaded, turntable !== undefined);
  const { model } = loaded;
  const head = { ...loaded.fit, params: changed(model, loaded.fit.params, options) };
  const { yaw, pitch, roll } = options;
  const turns = turntable !== undefined || [yaw, pitch, roll].some((a) => a !== undefined);
  const view: ViewOptions = {
    size: options.size,
    frame: options.frame,
    show,
    light,
    albedo: options.modelTexture ? null : (loaded.texture?.albedo ?? null),
    samples: options.samples,
    background: await backgroundOf(options.background),
  };
  const kernels = await createKernels();
  const draw = (extraYaw: number) => {
    const turn = turns
      ? {
          yaw: ((yaw ?? 0) + extraYaw) * DEGREE,
          pitch: (pitch ?? 0) * DEGREE,
          roll: (roll ?? 0) * DEGREE,
        }
      : null;
    return renderView(kernels, model, head, { ...view, turn });
  };
  if (turntable === undefined) {
    await writeFileAtomically(out, await encodePicture(draw(0), out), { signal });
  } else {
    const bar = new ProgressBar(stderr, { quiet: false });
    bar.start(path.basename(out));
    try {
      const at = (i: number) => {
        bar.update({ stage: `picture ${i + 1} of ${turntable}`, fraction: i / turntable });
        return draw((360 * i) / turntable);
      };
      await writeSequence(out, { count: turntable, at }, { fps: options.fps, signal });
    } finally {
      bar.end();
    }
  }
  stdout.write(`${out}\n`);
  return EXIT.ok;
}

/** The fitted parameters with expressions and joints as asked. */
function changed(model: HeadModel, params: HeadParams, options: RenderOptions): HeadParams {
  // What comes before the last `neutral` is undone by it.
  const last = options.expression.findLastIndex(([name]) => name === 'neutral');
  const start = last < 0 ? params : withoutExpression(model, params);
  const out = setExpressions(model, start, options.expression.slice(last + 1));
  const pose = out.pose.slice();
  for (const [name, degrees] of options.pose) {
    const j = jointIndex(model, name);
    if (j < 0) {
      const names = model.joints.map((joint) => joint.name);
      const [near] = nearNames(name, names, 1);
      throw new InvalidArgumentError(
        `--pose ${name}: the head ${model.name} has no such joint; ${near ? `did you mean ${near}? ` : ''}it has ${names.join(', ')}`,
      );
    }
    degrees.forEach((angle, a) => {
      pose[3 * j + a] = angle * DEGREE;
    });
  }
  return { ...out, pose };
}

/** A face at rest, jaw and eyes too; head and neck stay as they are. */
function withoutExpression(model: HeadModel, params: HeadParams): HeadParams {
  const pose = params.pose.slice();
  model.joints.forEach(({ name, parent }, j) => {
    if (parent >= 0 && name !== 'neck') pose.fill(0, 3 * j, 3 * j + 3);
  });
  return { ...params, expression: new Float32Array(params.expression.length), pose };
}

function kindOf(options: RenderOptions): ViewKind {
  const kinds = (['shape', 'albedo', 'shading', 'normals'] as const).filter((kind) => options[kind]);
  if (kinds.length > 1)
    throw new InvalidArgumentError(`--${kinds[0]} and --${kinds[1]} exclude each other; choose one`);
  return kinds[0] ?? 'colour';
}

/** Null for the fit's own light. */
function parseLight(text: string): Float32Array | null {
  if (text === 'fit') return null;
  if ((LIGHT_NAMES as string[]).includes(text)) return namedLight(text as LightName);
  const numbers = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if ((numbers.length === 9 || numbers.length === 27) && numbers.every(Number.isFinite)) {
    return Float32Array.from({ length: 27 }, (_, i) =>
      numbers.length === 27 ? numbers[i] : numbers[Math.floor(i / 3)],
    );
  }
  throw new InvalidArgumentError(
    `--light ${text}: must be fit, ${LIGHT_NAMES.join(', ')}, or 9 numbers (white) or 27 (9 rows of red, green, blue) with commas`,
  );
}

const COLOURS: Readonly<Record<string, readonly [number, number, number]>> = {
  white: [1, 1, 1],
  black: [0, 0, 0],
  grey: [0.5, 0.5, 0.5],
  gray: [0.5, 0.5, 0.5],
};

async function backgroundOf(text: string): Promise<ViewOptions['background']> {
  if (text === 'transparent') return null;
  const named = COLOURS[text.toLowerCase()];
  if (named) return named;
  const hex = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text)?.[1];
  if (hex) {
    const n = hex.length / 3;
    return [0, 1, 2].map((c) => {
      const part = hex.slice(n * c, n * (c + 1));
      return Number.parseInt(n === 1 ? part + part : part, 16) / 255;
    }) as [number, number, number];
  }
  if (text.startsWith('#') || !/[./\\]/.test(text))
    throw new InvalidArgumentError(
      `--background ${text}: must be ${Object.keys(COLOURS).join(', ')}, #rrggbb, transparent, or the path of a picture`,
    );
  return (await decodePhoto(text)).image;
}

/** The name of the fit's folder, in the current one. */
function defaultName({ folder }: LoadedFit, turntable: boolean): string {
  const name = path.basename(path.resolve(folder)) || 'head';
  return turntable ? `${name}_turntable` : `${name}.png`;
}
