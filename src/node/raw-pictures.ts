/**
 * Raw pictures of one size out of a program's output, read straight into the memory where they stay. The parts of a stream
 * are 64 kB, each in memory of its own, and copied from there: a thread took 6 ms for a picture of 512². Node reads
 * into given memory from a socket only that it has connected, so such a one is what the program writes to; where there can
 * be none, it writes to a pipe, and parts are copied.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';

/** Pictures as they come; at most one waits while another one is read. */
export class RawPictures {
  readonly #fresh: () => Uint8ClampedArray;
  readonly #whole: Uint8ClampedArray[] = [];
  #coming: Uint8ClampedArray;
  #filled = 0;
  #over = false;
  #wake = () => {};
  #stream: Socket | Readable | null = null;

  /** @param fresh gives memory for a picture */
  constructor(fresh: () => Uint8ClampedArray) {
    this.#fresh = fresh;
    this.#coming = fresh();
  }

  /** What a program is to have as its output: a socket, or null, where it is to write to a pipe ({@link readFrom}). */
  async socket(): Promise<Socket | null> {
    // Elsewhere sockets have no places in folders.
    if (process.platform === 'win32') return null;
    const server = createServer({ pauseOnConnect: true });
    let folder: string | null = null;
    try {
      folder = await mkdtemp(path.join(tmpdir(), 'photofit-socket-'));
      const place = path.join(folder, 's');
      server.listen(place);
      await once(server, 'listening');
      const onread = { buffer: () => this.#room(), callback: (bytes: number) => this.#took(bytes) };
      const stream = connect({ path: place, onread });
      const [[output]] = await Promise.all([once(server, 'connection'), once(stream, 'connect')]);
      this.#read(stream);
      return output;
    } catch {
      return null;
    } finally {
      server.close();
      if (folder) await rm(folder, { recursive: true, force: true }).catch(() => {});
    }
  }

  /** Reads from a pipe. */
  readFrom(pipe: Readable): void {
    pipe.on('data', (part: Buffer) => {
      for (let at = 0; at < part.length; ) {
        const room = this.#room();
        const bytes = Math.min(room.length, part.length - at);
        room.set(part.subarray(at, at + bytes));
        at += bytes;
        if (!this.#took(bytes)) pipe.pause();
      }
    });
    this.#read(pipe);
  }

  /** The next whole picture; null when there are no more. */
  async next(): Promise<Uint8ClampedArray | null> {
    while (this.#whole.length === 0 && !this.#over)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    const picture = this.#whole.shift() ?? null;
    if (this.#whole.length === 0) this.#stream?.resume();
    return picture;
  }

  close(): void {
    this.#stream?.destroy();
  }

  #read(stream: Socket | Readable): void {
    this.#stream = stream;
    const over = () => {
      this.#over = true;
      this.#wake();
    };
    // What went wrong is told by how the program ends.
    stream.on('error', over);
    stream.on('end', over);
    stream.on('close', over);
  }

  #room(): Uint8Array {
    const { buffer, byteOffset, length } = this.#coming;
    return new Uint8Array(buffer, byteOffset + this.#filled, length - this.#filled);
  }

  /** Whether there shall be more at once. */
  #took(bytes: number): boolean {
    this.#filled += bytes;
    if (this.#filled < this.#coming.length) return true;
    this.#whole.push(this.#coming);
    [this.#coming, this.#filled] = [this.#fresh(), 0];
    this.#wake();
    return false;
  }
}
