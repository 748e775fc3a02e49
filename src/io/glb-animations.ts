/**
 * Animations of a glTF file: states of a mesh, in which nothing moves, and a motion with a key per frame. The mesh is
 * node 0, joint j node 1 + j.
 *
 * Keys of a motion are joined linearly, rotations along the shorter arc: neighbours' quaternions are given the same sign
 * here, since not every viewer looks for it. What does not move gets no channel.
 */
import type { GlbContainer } from './glb-container.ts';
import type { ExportMotion, ExportState, MeshExport } from './mesh-export.ts';

/** Positions and rotations that differ by less from key to key and from the node's own don't move. */
const STILL = 1e-7;

/** The motion of `mesh` first, so that viewers that play one animation play it; then its states. */
export function addAnimations(container: GlbContainer, mesh: MeshExport): object[] {
  return [
    ...(mesh.motion ? [addMotion(container, mesh.motion, mesh)] : []),
    ...(mesh.states && mesh.states.length > 0 ? addStates(container, mesh.states) : []),
  ];
}

/** Channels of one animation, on one set of times. */
class Channels {
  readonly samplers: object[] = [];
  readonly channels: object[] = [];
  readonly #container: GlbContainer;
  readonly #input: number;
  readonly #interpolation: 'STEP' | 'LINEAR';

  constructor(container: GlbContainer, input: number, interpolation: 'STEP' | 'LINEAR') {
    this.#container = container;
    this.#input = input;
    this.#interpolation = interpolation;
  }

  add(node: number, path: string, values: Float32Array, type: 'SCALAR' | 'VEC3' | 'VEC4'): void {
    const output = this.#container.accessor(values, { type });
    this.channels.push({ sampler: this.samplers.length, target: { node, path } });
    this.samplers.push({ input: this.#input, output, interpolation: this.#interpolation });
  }
}

/** One animation per state: its values at 0 and at 1 s, since some viewers pass over animations that take no time. */
function addStates(container: GlbContainer, states: readonly ExportState[]): object[] {
  const times = container.accessor(Float32Array.of(0, 1), { type: 'SCALAR', bounds: true });
  return states.map(({ name, weights, rotations }) => {
    const out = new Channels(container, times, 'STEP');
    if (weights.length > 0) out.add(0, 'weights', Float32Array.of(...weights, ...weights), 'SCALAR');
    rotations.forEach((rotation, j) => {
      out.add(1 + j, 'rotation', Float32Array.of(...rotation, ...rotation), 'VEC4');
    });
    const { samplers, channels } = out;
    return { name, samplers, channels };
  });
}

function addMotion(container: GlbContainer, motion: ExportMotion, mesh: MeshExport): object {
  const { name, times, weights, rotations, translations } = motion;
  const N = times.length;
  const joints = mesh.skin?.joints ?? [];
  const J = joints.length;
  const out = new Channels(container, container.accessor(times, { type: 'SCALAR', bounds: true }), 'LINEAR');
  if (weights.length > 0) out.add(0, 'weights', weights, 'SCALAR');
  joints.forEach(({ rest, parent, rotation }, j) => {
    const turns = new Float32Array(4 * N);
    const places = new Float32Array(3 * N);
    for (let i = 0; i < N; i++) {
      turns.set(rotations.subarray(4 * (i * J + j), 4 * (i * J + j) + 4), 4 * i);
      places.set(translations.subarray(3 * (i * J + j), 3 * (i * J + j) + 3), 3 * i);
    }
    sameSigns(turns);
    const from = parent < 0 ? [0, 0, 0] : joints[parent].rest;
    if (moves(turns, rotation)) out.add(1 + j, 'rotation', turns, 'VEC4');
    const place = rest.map((x, a) => x - from[a]);
    if (moves(places, place)) out.add(1 + j, 'translation', places, 'VEC3');
  });
  const { samplers, channels } = out;
  return { name, samplers, channels };
}

/** Turns the signs of (N,4) unit quaternions, which mean the same either way, so that neighbours agree. */
function sameSigns(turns: Float32Array): void {
  for (let i = 4; i < turns.length; i += 4) {
    let dot = 0;
    for (let a = 0; a < 4; a++) dot += turns[i + a] * turns[i - 4 + a];
    if (dot < 0) for (let a = 0; a < 4; a++) turns[i + a] = -turns[i + a];
  }
}

/** Whether any row of `values` differs from `still`. */
function moves(values: Float32Array, still: readonly number[]): boolean {
  return values.some((x, i) => Math.abs(x - still[i % still.length]) > STILL);
}
