/** Imports run one way, downwards, over the floor plan; nothing is circular; platforms stay in their folders. */
import { describe, expect, it } from 'vitest';
import { filesBelow, importsOf, resolveImport } from './source.ts';

/** The floor plan, ground first. Folders of one storey know nothing of each other. */
const STOREYS = [
  ['core'],
  ['linalg', 'geometry'],
  ['kernels'],
  ['io'],
  ['model', 'nn'],
  ['camera', 'light'],
  ['render'],
  ['perceive', 'solve'],
  ['fit'],
  ['texture'],
  ['dataset'],
  ['node', 'web'],
  ['cli'],
];
const ENTRY_POINTS = ['src/index.ts', 'src/node/index.ts', 'src/web/index.ts'];

interface Import {
  readonly from: string;
  readonly to: string;
}

const files = filesBelow('src', '.ts');
const specifiers = files.flatMap((from) => importsOf(from).map((specifier) => ({ from, specifier })));
const edges: Import[] = specifiers.flatMap(({ from, specifier }) => {
  const to = resolveImport(from, specifier);
  return to ? [{ from, to }] : [];
});
const folderOf = (file: string) => file.split('/')[1];
const storeyOf = (file: string) => STOREYS.findIndex((storey) => storey.includes(folderOf(file)));
const show = ({ from, to }: Import) => `${from} → ${to}`;

/** Circles among files, each as the list of its files. */
function circles(all: readonly Import[]): string[][] {
  const next = new Map<string, string[]>();
  for (const { from, to } of all) next.set(from, [...(next.get(from) ?? []), to]);
  const done = new Set<string>();
  const found: string[][] = [];
  const visit = (file: string, trail: string[]): void => {
    const at = trail.indexOf(file);
    if (at >= 0) {
      found.push([...trail.slice(at), file]);
      return;
    }
    if (done.has(file)) return;
    for (const to of next.get(file) ?? []) visit(to, [...trail, file]);
    done.add(file);
  };
  for (const file of next.keys()) visit(file, []);
  return found;
}

describe('layers', () => {
  it('finds imports to judge', () => {
    expect(edges.length).toBeGreaterThan(5);
  });

  it('every file lies in a folder of the floor plan', () => {
    expect(files.filter((file) => storeyOf(file) < 0 && file !== 'src/index.ts')).toEqual([]);
  });

  it('imports run downwards', () => {
    const wrong = edges.filter(({ from, to }) => {
      if (ENTRY_POINTS.includes(from) && folderOf(from) === folderOf(to)) return false;
      if (from === 'src/index.ts') return false;
      if (folderOf(from) === folderOf(to)) return false;
      if (ENTRY_POINTS.includes(from) && to === 'src/index.ts') return false;
      return storeyOf(to) >= storeyOf(from);
    });
    expect(wrong.map(show)).toEqual([]);
  });

  it('nothing is circular', () => {
    expect(circles(edges).map((circle) => circle.join(' → '))).toEqual([]);
  });

  it('circles are recognised', () => {
    const circular = [
      { from: 'a', to: 'b' },
      { from: 'b', to: 'c' },
      { from: 'c', to: 'a' },
    ];
    expect(circles(circular)).toHaveLength(1);
  });

  it('internal files never import an entry point', () => {
    const wrong = edges.filter(
      ({ from, to }) => ENTRY_POINTS.includes(to) && !(ENTRY_POINTS.includes(from) && to === 'src/index.ts'),
    );
    expect(wrong.map(show)).toEqual([]);
  });

  it('node: modules and Node-only packages stay in src/node and src/cli', () => {
    const nodeOnly = (name: string) => name.startsWith('node:') || name === 'sharp' || name === 'commander';
    const wrong = specifiers.filter(
      ({ from, specifier }) => nodeOnly(specifier) && !['node', 'cli'].includes(folderOf(from)),
    );
    expect(wrong).toEqual([]);
  });

  it('what a page can import does not reach src/node or src/cli', () => {
    const reached = new Set<string>();
    const visit = (file: string): void => {
      if (reached.has(file)) return;
      reached.add(file);
      for (const { from, to } of edges) if (from === file) visit(to);
    };
    visit('src/index.ts');
    visit('src/web/index.ts');
    expect([...reached].filter((file) => ['node', 'cli'].includes(folderOf(file)))).toEqual([]);
  });
});
