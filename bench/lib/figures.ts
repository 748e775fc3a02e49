/** Figures of a bench run: printed as tables, and appended to a CSV file per processor so that history can be drawn. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import path from 'node:path';

/** One figure. */
export interface Figure {
  readonly group: string;
  readonly task: string;
  /** NaN is written as an empty cell. */
  readonly value: number;
  readonly unit: string;
}

/** Collects figures and prints them group by group. */
export class Figures {
  readonly all: Figure[] = [];

  add(group: string, task: string, value: number, unit: string): void {
    this.all.push({ group, task, value, unit });
  }

  /** Prints what was added under `group`, a line each. */
  print(group: string): void {
    const rows = this.all.filter((figure) => figure.group === group);
    const width = Math.max(group.length, ...rows.map(({ task }) => task.length));
    console.log(`\n${group}`);
    for (const { task, value, unit } of rows)
      console.log(`  ${task.padEnd(width)}  ${shown(value).padStart(10)} ${unit}`);
  }

  /** Appends all figures to the processor's file in `folder`; returns its path. */
  append(folder: string): string {
    mkdirSync(folder, { recursive: true });
    const name = `${cpus()[0]?.model ?? process.arch} ${availableParallelism()} cores`;
    const slug = name
      .toLowerCase()
      .replace(/\((r|tm)\)/g, '')
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '');
    const file = path.join(folder, `${slug}.csv`);
    if (!existsSync(file)) appendFileSync(file, 'date,commit,node,group,task,value,unit\n');
    const start = `${new Date().toISOString()},${commit()},${process.version}`;
    const cell = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    for (const { group, task, value, unit } of this.all) {
      const number = Number.isFinite(value) ? String(Number(value.toPrecision(6))) : '';
      appendFileSync(file, `${start},${cell(group)},${cell(task)},${number},${cell(unit)}\n`);
    }
    return file;
  }
}

/** Middle of a list; NaN for an empty one. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? Number.NaN : sorted[sorted.length >> 1];
}

function shown(value: number): string {
  if (!Number.isFinite(value)) return '–';
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** Short name of the commit that is checked out, with + where files differ from it. */
function commit(): string {
  try {
    const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim();
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', ':!bench/results') !== '';
    return git('rev-parse', '--short', 'HEAD') + (changed ? '+' : '');
  } catch {
    return 'unknown';
  }
}
