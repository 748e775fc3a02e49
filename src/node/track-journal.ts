/**
 * What has been tracked so far, on disk: who it is, then a record per frame with all its numbers, what it says for
 * smoothing, and what the next one starts from, appended as frames come. A run that was broken off (Ctrl-C, a crash, a
 * full disk) goes on from its last whole record, exactly as if it had not been; where the face is away there, from the last one
 * that shows it, since how hard it is looked for depends on the frames since then (`absence.ts`). Another version of Photofit
 * would solve the rest of the frames in another way, and begins anew.
 *
 * One line of JSON, then records: their length (uint32), the length of a JSON of scalars (uint32), that JSON, and float32
 * arrays. One of them, as soon as it is known, is the person's texture; without it the track is not gone on from. A torn
 * last record is cut off. Written synchronously: 18.5 kB a frame cost 0.05 ms, and a record is either asked for or not.
 */
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import type { Camera } from '../camera/camera.ts';
import type { ImageF } from '../core/image.ts';
import type { KnownValues } from '../fit/types.ts';
import type { EvidenceStore, FrameEvidence } from '../fit/video/evidence.ts';
import type { SolvedState, SolverMemory } from '../fit/video/frame-solver.ts';
import type { ResumePoint } from '../fit/video/track-video.ts';
import type { TrackedFrame, TrackIdentity } from '../fit/video/types.ts';
import { packageVersion } from './version.ts';

/** Of the records, and of what solves frames. */
const versionOf = () => `photofit ${packageVersion()} track journal 8`;
/** Longest first line that is believed. */
const MOST_HEADER = 2 ** 24;

/** A record without arrays: the person's skin, once, whenever it is there. */
interface TextureHead {
  /** PNG in base64. */
  readonly texture: string;
}

/** Scalars of a record, and the lengths of its arrays in order. */
interface RecordHead {
  readonly index: number;
  readonly time: number;
  readonly status: TrackedFrame['status'];
  readonly cut: boolean;
  readonly camera: Camera;
  readonly landmarkNme: number | null;
  readonly skinL1: number | null;
  readonly confidence: number;
  readonly face: { readonly box: TrackedFace['box']; readonly score: number } | null;
  readonly solver: StoredMemory | null;
  readonly lengths: readonly number[];
}

/** A {@link SolverMemory} without its arrays, which are in `solver` of {@link ARRAYS}, last frame first. */
interface StoredMemory {
  readonly last: StoredState;
  readonly before: StoredState | null;
  readonly crop: SolverMemory['crop'];
}
interface StoredState {
  readonly time: number;
  readonly camera: Camera;
  /** Of expression, pose and light. */
  readonly lengths: readonly [number, number, number];
}
type TrackedFace = NonNullable<TrackedFrame['observation']>;

/** Places of arrays in a record. */
const ARRAYS = [
  'expression',
  'pose',
  'light',
  'landmarks68',
  'mesh',
  'information',
  'gradient',
  'solver',
] as const;

/** A track that was broken off. */
export interface ResumedTrack {
  readonly journal: TrackJournal;
  readonly identity: TrackIdentity;
  readonly texturePng: Uint8Array | null;
}

/** The journal of one track. */
export class TrackJournal implements EvidenceStore {
  readonly #file: string;
  readonly #handle: number;
  /** Where each frame's record begins. */
  readonly #places = new Map<number, number>();
  #end = 0;
  #texture: Uint8Array | null = null;
  #pending: FrameEvidence | null = null;
  #memory: SolverMemory | null = null;

  private constructor(file: string, handle: number) {
    this.#file = file;
    this.#handle = handle;
  }

  /**
   * Begins a journal, over one that may be there.
   * @param key says of what: video, model, options.
   * @param textured whether the person's skin will be kept along: `keepTexture`.
   */
  static begin(file: string, key: string, identity: TrackIdentity, textured = false): TrackJournal {
    mkdirSync(path.dirname(file), { recursive: true });
    const journal = new TrackJournal(file, openSync(file, 'w+'));
    const { modelName, modelHash, camera, keyFrames, known, detectorBias: bias, skin } = identity;
    const arrays = [
      identity.identity,
      identity.texture,
      identity.light,
      bias?.offsets ?? [],
      bias?.lids ?? [],
      bias?.lidsOverTime ?? [],
      bias?.lips === undefined ? [] : [bias.lips],
    ].map((a) => Array.from(a));
    const who = { modelName, modelHash, camera, keyFrames, known, arrays, skin: skin && storedMap(skin) };
    const header: StoredHeader = { journal: versionOf(), key, who, textured };
    journal.#append(Buffer.from(`${JSON.stringify(header)}\n`));
    return journal;
  }

  /**
   * Opens the journal that a run with the same `key` left; null where there is none, or it is another's.
   * @param onRefused told why one that is there is not taken
   */
  static resume(file: string, key: string, onRefused?: (why: string) => void): ResumedTrack | null {
    let handle: number;
    try {
      handle = openSync(file, 'r+');
    } catch {
      return null;
    }
    const journal = new TrackJournal(file, handle);
    const head = journal.#readHeader();
    const ours = head?.journal === versionOf();
    if (!head || !ours || head.key !== key) {
      closeSync(handle);
      const of = ours ? 'another video, head or option' : 'another version of photofit';
      onRefused?.(`an earlier run of ${of} is not gone on from; beginning anew`);
      return null;
    }
    journal.#findRecords();
    journal.#forgetAbsence();
    if (head.textured && !journal.#texture) {
      closeSync(handle);
      onRefused?.(
        'an earlier run that was broken off before it had the texture is not gone on from; beginning anew',
      );
      return null;
    }
    const { modelName, modelHash, camera, keyFrames, known, arrays, skin } = head.who;
    const [shape, texture, light, offsets, lids, lidsOverTime, lips] = arrays.map((a) =>
      Float32Array.from(a),
    );
    const detectorBias =
      offsets.length > 0
        ? {
            offsets,
            lids,
            ...(lidsOverTime.length > 0 && { lidsOverTime }),
            ...(lips.length > 0 && { lips: lips[0] }),
          }
        : undefined;
    return {
      journal,
      identity: {
        ...{ modelName, modelHash, camera, keyFrames, identity: shape, texture, light, detectorBias },
        ...(known && { known }),
        ...(skin && { skin: readMap(skin) }),
      },
      texturePng: journal.#texture,
    };
  }

  /** Frames in it. */
  get length(): number {
    return this.#places.size;
  }

  /** Keeps the person's skin, a PNG. */
  keepTexture(png: Uint8Array): void {
    const head: TextureHead = { texture: Buffer.from(png).toString('base64') };
    this.#write(head, []);
  }

  /** Keeps what the next frame starts from, for the record of the frame that comes. */
  remember(memory: SolverMemory): void {
    this.#memory = memory;
  }

  /** Adds a frame, with the evidence that was put for it, which it gives back. */
  append(frame: TrackedFrame): FrameEvidence | null {
    const evidence = this.#pending?.index === frame.index ? this.#pending : null;
    const memory = this.#memory;
    this.#pending = null;
    this.#memory = null;
    const { observation } = frame;
    const arrays = [
      frame.expression,
      frame.pose,
      frame.light,
      observation?.landmarks68 ?? new Float32Array(0),
      observation?.mesh ?? new Float32Array(0),
      evidence?.information ?? new Float32Array(0),
      evidence?.gradient ?? new Float32Array(0),
      packStates(memory),
    ];
    const known = (x: number) => (Number.isFinite(x) ? x : null);
    const head: RecordHead = {
      index: frame.index,
      time: frame.time,
      status: frame.status,
      cut: frame.cut,
      camera: frame.camera,
      landmarkNme: known(frame.landmarkNme),
      skinL1: known(frame.skinL1),
      confidence: frame.confidence,
      face: observation && { box: observation.box, score: observation.score },
      solver: memory && {
        last: storedState(memory.last),
        before: memory.before && storedState(memory.before),
        crop: memory.crop,
      },
      lengths: arrays.map((a) => a.length),
    };
    this.#places.set(frame.index, this.#end);
    this.#write(head, arrays);
    return evidence;
  }

  /** All frames, in order; what perception saw without its mesh, which only the last one is asked for. */
  frames(): TrackedFrame[] {
    return Array.from(this.#places.keys(), (index) => lighter(this.frame(index)!));
  }

  /** A frame with all that was stored of it. */
  frame(index: number): TrackedFrame | null {
    const record = this.#record(index, 0, 5);
    if (!record) return null;
    const { head, arrays } = record;
    const [expression, pose, light, landmarks68, mesh] = arrays;
    return {
      index,
      time: head.time,
      status: head.status,
      cut: head.cut,
      expression,
      pose,
      light,
      camera: head.camera,
      landmarkNme: head.landmarkNme ?? Number.NaN,
      skinL1: head.skinL1 ?? Number.NaN,
      confidence: head.confidence,
      observation: head.face && { ...head.face, landmarks68, mesh: mesh.length > 0 ? mesh : null },
    };
  }

  /** Where to go on; null for a journal without frames. */
  resumePoint(): ResumePoint | null {
    const last = [...this.#places.keys()].at(-1);
    return last === undefined ? null : { frame: this.frame(last)!, solver: this.#remembered(last) };
  }

  put(evidence: FrameEvidence): void {
    this.#pending = evidence;
  }

  get(index: number): FrameEvidence | null {
    const record = this.#record(index, 5, 7);
    if (!record || record.arrays[0].length === 0) return null;
    const [information, gradient] = record.arrays;
    return { index, information, gradient };
  }

  /** Closes the file; it stays, to go on from. */
  close(): void {
    closeSync(this.#handle);
  }

  /** Closes the file and takes it away: the track is done. */
  remove(): void {
    this.close();
    rmSync(this.#file, { force: true });
  }

  #write(head: RecordHead | TextureHead, arrays: readonly Float32Array[]): void {
    const text = Buffer.from(JSON.stringify(head));
    const sizes = Buffer.alloc(8);
    const bytes = arrays.map((a) => Buffer.from(a.buffer, a.byteOffset, a.byteLength));
    const floats = bytes.reduce((sum, b) => sum + b.length, 0);
    sizes.writeUInt32LE(4 + text.length + floats, 0);
    sizes.writeUInt32LE(text.length, 4);
    this.#append(Buffer.concat([sizes, text, ...bytes]));
  }

  #append(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; )
      at += writeSync(this.#handle, bytes, at, bytes.length - at, this.#end + at);
    this.#end += bytes.length;
  }

  #read(at: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    let n = 0;
    while (n < length) {
      const got = readSync(this.#handle, bytes, n, length - n, at + n);
      if (got === 0) break;
      n += got;
    }
    return bytes.subarray(0, n);
  }

  #readHeader(): StoredHeader | null {
    const size = fstatSync(this.#handle).size;
    const bytes = this.#read(0, Math.min(size, MOST_HEADER));
    const end = bytes.indexOf(10);
    if (end < 0) return null;
    this.#end = end + 1;
    try {
      return JSON.parse(bytes.toString('utf8', 0, end));
    } catch {
      return null;
    }
  }

  /** Finds the whole records; what follows the last one is cut off. */
  #findRecords(): void {
    const size = fstatSync(this.#handle).size;
    while (this.#end + 8 <= size) {
      const length = this.#read(this.#end, 4).readUInt32LE(0);
      if (this.#end + 4 + length > size) break;
      const head = this.#head(this.#end);
      if (!head) break;
      if ('texture' in head.head) this.#texture = new Uint8Array(Buffer.from(head.head.texture, 'base64'));
      else this.#places.set(head.head.index, this.#end);
      this.#end += 4 + length;
    }
    ftruncateSync(this.#handle, this.#end);
  }

  /** Leaves out the frames at the end that show no face. Their records stay; later ones of the same frames count. */
  #forgetAbsence(): void {
    for (const index of [...this.#places.keys()].reverse()) {
      if (this.#record(index, 0, 0)?.head.status !== 'lost') return;
      this.#places.delete(index);
    }
  }

  #head(place: number): { readonly head: RecordHead | TextureHead; readonly floats: number } | null {
    const length = this.#read(place + 4, 4).readUInt32LE(0);
    try {
      const head = JSON.parse(this.#read(place + 8, length).toString('utf8')) as RecordHead | TextureHead;
      const whole = 'texture' in head || head.lengths.length === ARRAYS.length;
      return whole ? { head, floats: place + 8 + length } : null;
    } catch {
      return null;
    }
  }

  #remembered(index: number): SolverMemory | null {
    const { head, arrays } = this.#record(index, 7, 8)!;
    return head.solver && unpackStates(head.solver, new Float64Array(arrays[0].buffer));
  }

  /** Arrays `from` to before `to` of a record. */
  #record(index: number, from: number, to: number) {
    const place = this.#places.get(index);
    const found = place === undefined ? null : this.#head(place);
    if (!found || 'texture' in found.head) return null;
    const [head, floats] = [found.head, found.floats];
    const before = head.lengths.slice(0, from).reduce((a, b) => a + b, 0);
    const wanted = head.lengths.slice(from, to);
    const bytes = this.#read(floats + 4 * before, 4 * wanted.reduce((a, b) => a + b, 0));
    let at = 0;
    const arrays = wanted.map((n) => {
      const array = new Float32Array(n);
      new Uint8Array(array.buffer).set(bytes.subarray(at, at + 4 * n));
      at += 4 * n;
      return array;
    });
    return { head, arrays };
  }
}

interface StoredHeader {
  readonly journal: string;
  readonly key: string;
  readonly who: StoredIdentity;
  /** Whether there is to be a record with the texture. */
  readonly textured: boolean;
}

interface StoredIdentity {
  readonly modelName: string;
  readonly modelHash: string;
  readonly camera: Camera;
  readonly keyFrames: readonly number[];
  readonly known?: KnownValues;
  readonly arrays: readonly (readonly number[])[];
  readonly skin?: StoredMap;
}

/** A map, its numbers as float32 in base64. */
interface StoredMap {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly base64: string;
}

function storedMap({ width, height, channels, data }: ImageF): StoredMap {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return { width, height, channels, base64: bytes.toString('base64') };
}

function readMap({ width, height, channels, base64 }: StoredMap): ImageF {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
  return { width, height, channels, data: new Float32Array(bytes.buffer) };
}

function storedState({ state, time }: SolvedState): StoredState {
  const { expression, pose, light, camera } = state;
  return { time, camera, lengths: [expression.length, pose.length, light.length] };
}

/** The float64 of both states, as float32 of the same bits. */
function packStates(memory: SolverMemory | null): Float32Array {
  const parts: Float64Array[] = [];
  for (const solved of [memory?.last, memory?.before])
    if (solved) parts.push(solved.state.expression, solved.state.pose, solved.state.light);
  let length = 0;
  for (const part of parts) length += part.length;
  const all = new Float64Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return new Float32Array(all.buffer);
}

function unpackStates({ last, before, crop }: StoredMemory, values: Float64Array): SolverMemory {
  let at = 0;
  const state = ({ time, camera, lengths }: StoredState): SolvedState => {
    const [expression, pose, light] = lengths.map((n) => values.slice(at, (at += n)));
    const nobody = { identity: new Float64Array(0), texture: new Float64Array(0) };
    return { time, state: { ...nobody, expression, pose, light, camera } };
  };
  return { last: state(last), before: before && state(before), crop };
}

/** The frame without the face mesh that perception saw. */
export function lighter(frame: TrackedFrame): TrackedFrame {
  return { ...frame, observation: frame.observation && { ...frame.observation, mesh: null } };
}
