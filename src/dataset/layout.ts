/**
 * The work folder: everything that building a texture space from photos leaves on disk. State is what lies here, never
 * what a process remembers, so any run can be killed and started again, by itself or beside others.
 *
 *   my.space.work/
 *     work.json             what the folder is for: head model, initial space, how photos are fitted; written once
 *     manifest.json         the photos, by SHA-256 of their bytes
 *     initial.space         the initial texture space, where the folder made it itself (`space init`)
 *     fits/<hash>/          one photo's fit: fit.json, fit.npz, map.npz, measures.json, overlay.jpg; appears whole,
 *                           by one rename
 *     failed/<hash>.json    a photo that could not be fitted, and why; tried again only when asked
 *     gate.json             which fits are good enough for the space, and why the others are not
 *     training/             checkpoints and pictures of the completion network (`space complete`)
 *     completed/<hash>.npz  maps without unseen texels
 *     space/                what `space pca` writes
 *     report/               index.html and its pictures
 *     round-2/, …           later rounds of `space build --rounds`, each a work folder; their maps are completed knowing the
 *                           initial space of the first
 *
 * A photo is done when `fits/<hash>/` or `failed/<hash>.json` is there. Names that begin with a dot are being
 * written or were left by a killed process; nobody reads them. Nothing here holds a time, a host or a process number,
 * so that the same photos give the same bytes whoever fitted them, in whatever order.
 *
 * Paths are joined with slashes, which every platform reads.
 */

/** Paths within a work folder. */
export interface WorkPaths {
  readonly root: string;
  readonly work: string;
  readonly manifest: string;
  readonly initial: string;
  readonly fits: string;
  readonly failed: string;
  readonly gate: string;
  readonly training: string;
  readonly completed: string;
  readonly space: string;
  readonly report: string;
  /** Folder of one photo's fit. */
  fit(hash: string): string;
  /** Record of a photo that could not be fitted. */
  failure(hash: string): string;
  /** Completed map of one photo. */
  completedMap(hash: string): string;
}

/** Work folder of a round of `space build`, from 1, within that of the first. */
export function roundFolder(first: string, round: number): string {
  return round === 1 ? first : `${first.replace(/\/+$/, '')}/round-${round}`;
}

/** The folder that may be the first round's of the absolute path `root`; `root` itself where that is no later round's. */
export function firstRoundFolder(root: string): string {
  return root.match(/^(.+)[/\\]round-\d+[/\\]*$/)?.[1] ?? root;
}

/** Files of a fit's folder in the order they are put in place: `fit.json` last, it vouches for the rest. */
export const FIT_FILES = ['map.npz', 'fit.npz', 'overlay.jpg', 'measures.json', 'fit.json'] as const;

/** The paths of the work folder `root`. */
export function workPaths(root: string): WorkPaths {
  const at = (name: string) => `${root.replace(/\/+$/, '')}/${name}`;
  return {
    root,
    work: at('work.json'),
    manifest: at('manifest.json'),
    initial: at('initial.space'),
    fits: at('fits'),
    failed: at('failed'),
    gate: at('gate.json'),
    training: at('training'),
    completed: at('completed'),
    space: at('space'),
    report: at('report'),
    fit: (hash) => at(`fits/${hash}`),
    failure: (hash) => at(`failed/${hash}.json`),
    completedMap: (hash) => at(`completed/${hash}.npz`),
  };
}
