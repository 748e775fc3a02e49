/** Room on disk for numbers that do not fit in memory; gone afterwards, also when the process ends early. */
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { PhotofitError } from '../core/errors.ts';
import type { Scratch } from '../texture/map-matrix.ts';

/**
 * Runs `work` with scratch files beside what it makes, on that disk.
 * @param folder where they lie; made when it is not there
 * @throws {PhotofitError} when the disk is full
 */
export async function withScratch<R>(
  folder: string,
  work: (room: (bytes: number) => Promise<Scratch>) => Promise<R>,
): Promise<R> {
  const file = path.join(path.resolve(folder), `.scratch-${randomUUID()}`);
  await mkdir(path.dirname(file), { recursive: true });
  const handle = await open(file, 'wx+');
  const remove = () => rmSync(file, { force: true });
  // process.exit() in a handler of Ctrl-C skips `finally`.
  process.once('exit', remove);
  const explain = (cause: unknown, bytes: number): never => {
    if (!['ENOSPC', 'EDQUOT', 'EFBIG'].includes((cause as NodeJS.ErrnoException).code ?? '')) throw cause;
    const megabytes = Math.max(1, Math.round(bytes / 1e6));
    const needed = megabytes < 1000 ? `${megabytes} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
    throw new PhotofitError(
      `${folder}: the disk is full; ${needed} are needed for a while beside the result`,
      { cause },
    );
  };
  try {
    return await work(async (bytes) => ({
      async write(offset, piece) {
        for (let done = 0; done < piece.length; ) {
          const step = await handle
            .write(piece, done, piece.length - done, offset + done)
            .catch((cause: unknown) => explain(cause, bytes));
          done += step.bytesWritten;
        }
      },
      async read(offset, length) {
        const piece = new Uint8Array(length);
        for (let done = 0; done < length; ) {
          const { bytesRead } = await handle.read(piece, done, length - done, offset + done);
          if (bytesRead === 0) throw new PhotofitError(`${file}: was cut short by someone else; start again`);
          done += bytesRead;
        }
        return piece;
      },
    }));
  } finally {
    process.removeListener('exit', remove);
    await handle.close();
    await rm(file, { force: true });
  }
}
