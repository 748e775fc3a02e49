/** A static server for the browser tests: the first of some folders that has the file, on a free port. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.wasm': 'application/wasm',
};

/** A server that is running. */
export interface StaticServer {
  /** Address of its root, ending in a slash. */
  readonly url: string;
  close(): Promise<void>;
}

/** Headers of a page that may share memory with its workers. */
const ISOLATION = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/** Serves the files of `folders`, and `extra` files by their path; `isolated`: pages may share memory. */
export async function serve(
  folders: readonly string[],
  extra: Readonly<Record<string, Uint8Array>> = {},
  { isolated = false } = {},
): Promise<StaticServer> {
  const server = createServer(async (request, response) => {
    const name = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    const file = name.endsWith('/') ? `${name}index.html` : name;
    const body =
      extra[file] ?? (await firstOf(folders.map((folder) => path.join(folder, path.normalize(file)))));
    response.writeHead(body ? 200 : 404, {
      'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream',
      ...(isolated && ISOLATION),
    });
    response.end(body ?? `${file} is not here`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function firstOf(files: readonly string[]): Promise<Uint8Array | null> {
  for (const file of files) {
    try {
      return await readFile(file);
    } catch {
      // The next folder may have it.
    }
  }
  return null;
}
