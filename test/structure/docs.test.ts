/** What is public is documented; what is written down leads somewhere; no file is a monument. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { filesBelow, read, root } from './source.ts';

const ENTRY_POINTS = ['src/index.ts', 'src/node/index.ts', 'src/web/index.ts'];

/** Exported symbols of the entry points, and members of exported interfaces, without a docstring. */
function undocumented(): { exported: number; missing: string[] } {
  const program = ts.createProgram(
    ENTRY_POINTS.map((file) => path.join(root, file)),
    {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      allowImportingTsExtensions: true,
      noEmit: true,
      skipLibCheck: true,
      strict: true,
    },
  );
  const checker = program.getTypeChecker();
  const missing = new Set<string>();
  let exported = 0;
  for (const file of ENTRY_POINTS) {
    const source = program.getSourceFile(path.join(root, file));
    const module = source && checker.getSymbolAtLocation(source);
    if (!module) continue;
    for (const symbol of checker.getExportsOfModule(module)) {
      exported++;
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      if (target.getDocumentationComment(checker).length === 0) missing.add(`${file}: ${symbol.name}`);
    }
  }
  return { exported, missing: [...missing] };
}

/** Links of a Markdown file that lead into the repository, without their anchors. */
function linksOf(file: string): string[] {
  const text = read(file).replace(/```[\s\S]*?```/g, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1])
    .filter((link) => !/^(https?:|mailto:|#)/.test(link))
    .map((link) => link.split('#')[0]);
}

const markdown = [
  ...filesBelow('docs', '.md'),
  ...['README.md', 'CHANGELOG.md', 'CREDITS.md'].filter(isThere),
];

function isThere(file: string): boolean {
  return existsSync(path.join(root, file));
}

describe('documentation', () => {
  it('every exported symbol of the entry points has a docstring', () => {
    const { exported, missing } = undocumented();
    expect(exported).toBeGreaterThan(10);
    expect(missing).toEqual([]);
    // Reads every source through the compiler: minutes where many tests share the processor.
  }, 600_000);

  it('links of the documents resolve', () => {
    const broken = markdown.flatMap((file) =>
      linksOf(file)
        .filter((link) => !existsSync(path.join(root, path.dirname(file), link)))
        .map((link) => `${file}: ${link}`),
    );
    expect(broken).toEqual([]);
  });

  it('npm scripts and files the README names exist', () => {
    const readme = read('README.md');
    const scripts = JSON.parse(read('package.json')).scripts as Record<string, string>;
    const named = [...readme.matchAll(/npm (?:run ([a-z:-]+)|(test))/g)].map((match) => match[1] ?? match[2]);
    expect(named).toContain('demo');
    expect(named).toContain('test');
    expect(named.filter((name) => !scripts[name])).toEqual([]);
    const lost = Object.values(scripts)
      .flatMap((line) => [...line.matchAll(/node (\S+)/g)].map((match) => match[1]))
      .filter((file) => !isThere(file));
    expect(lost).toEqual([]);
  });

  it('every source file opens with its design note', () => {
    const bare = filesBelow('src', '.ts').filter(
      (file) => !file.endsWith('.generated.ts') && !/^(#!.*\n)?\s*\/\*\*/.test(read(file)),
    );
    expect(bare).toEqual([]);
  });

  it('no source file is over 500 lines', () => {
    const long = filesBelow('src', '.ts')
      .filter((file) => !file.endsWith('.generated.ts'))
      .map((file) => ({ file, lines: read(file).match(/\n/g)?.length ?? 0 }))
      .filter(({ lines }) => lines > 500);
    expect(long).toEqual([]);
  });
});
