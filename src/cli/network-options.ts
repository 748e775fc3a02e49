/** Options that put the user's own networks in the place of the built-in ones; see docs/perception.md. */
import { type Command, InvalidArgumentError } from 'commander';
import { BISENET_DEFAULTS, PARSING_CLASSES } from '../perceive/bisenet.ts';

/** A network as named on the command line: `fan=2DFAN4.onnx`. */
export interface NamedNetwork<Kind extends string> {
  readonly kind: Kind;
  readonly file: string;
}

/** Networks asked for; absent ones are the built-in ones. */
export interface NetworkOptions {
  /** `fan-original` crops and rounds as the original's demo does. */
  readonly landmarks?: NamedNetwork<'fan' | 'fan-original'>;
  readonly detector?: NamedNetwork<'s3fd'>;
  readonly parsing?: NamedNetwork<'bisenet'>;
  /** Classes of the parsing network that are skin. */
  readonly parsingClasses?: readonly number[];
  /** With `landmarks`: the built-in mesh counts as well. */
  readonly keepMesh: boolean;
}

/** Adds the options to a command that looks at photos. */
export function addNetworkOptions(command: Command): Command {
  const classes = formatClasses(BISENET_DEFAULTS.classes);
  return command
    .option(
      '--landmarks <network>',
      'fan=FILE.onnx: landmarks by FAN (fan-original=FILE.onnx: as in the original demo)',
      parseNetwork('fan', 'fan-original'),
    )
    .option('--keep-mesh', "with --landmarks: the built-in face mesh counts beside FAN's landmarks", false)
    .option('--detector <network>', 's3fd=FILE.onnx: faces by S3FD', parseNetwork('s3fd'))
    .option('--parsing <network>', 'bisenet=FILE.onnx: skin by BiSeNet', parseNetwork('bisenet'))
    .option(
      '--parsing-classes <list>',
      `classes that are skin, numbers or names: 1-5,nose (default: ${classes}; 6, glasses, is not)`,
      parseClasses,
    );
}

function parseNetwork<Kind extends string>(...kinds: Kind[]): (text: string) => NamedNetwork<Kind> {
  return (text) => {
    const cut = text.indexOf('=');
    const kind = kinds.find((k) => k === text.slice(0, cut));
    const file = text.slice(cut + 1);
    if (cut < 0 || !kind || !file) {
      throw new InvalidArgumentError(`It must be ${kinds.map((k) => `${k}=FILE.onnx`).join(' or ')}.`);
    }
    return { kind, file };
  };
}

/** `1-5,nose,13` as numbers. */
function parseClasses(text: string): number[] {
  const out = new Set<number>();
  const last = PARSING_CLASSES.length - 1;
  for (const part of text.split(',').map((p) => p.trim())) {
    const named = (PARSING_CLASSES as readonly string[]).indexOf(part);
    const [, from, to = from] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? (named >= 0 ? ['', String(named)] : []);
    if (from === undefined || Number(from) > Number(to) || Number(to) > last) {
      throw new InvalidArgumentError(
        `"${part}" is no class: give numbers from 0 to ${last}, ranges as 1-5, or names: ${PARSING_CLASSES.join(', ')}.`,
      );
    }
    for (let k = Number(from); k <= Number(to); k++) out.add(k);
  }
  return [...out];
}

/** Numbers with runs joined: `1-5,10-13`. */
function formatClasses(classes: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const k of classes) {
    const run = runs.at(-1);
    if (run && k === run[1] + 1) run[1] = k;
    else runs.push([k, k]);
  }
  return runs.map(([a, b]) => (a === b ? a : `${a}-${b}`)).join(',');
}
