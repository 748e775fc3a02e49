/** A file as a `ByteSource`: read at any offset, never as a whole. */
import { type FileHandle, open } from 'node:fs/promises';
import { FormatError } from '../core/errors.ts';
import type { ByteSource } from '../io/npz-stream.ts';

/** A file opened for reading at any offset; close it when done. */
export interface FileSource extends ByteSource {
  /** Closes the file. */
  close(): Promise<void>;
}

/** Opens a file. Rejects with the file system's error when it cannot be opened. */
export async function openFileSource(path: string): Promise<FileSource> {
  const handle: FileHandle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    return {
      size,
      close: () => handle.close(),
      async read(offset, length) {
        const bytes = new Uint8Array(length);
        let done = 0;
        while (done < length) {
          const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
          if (bytesRead === 0)
            throw new FormatError(`${path}: cut short at byte ${offset + done} of ${size}`);
          done += bytesRead;
        }
        return bytes;
      },
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}
