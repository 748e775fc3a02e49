/** MediaPipe's networks, planned and fused, against the same graphs run node by node in float64. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { FormatError, InvalidArgumentError } from '../../src/core/errors.ts';
import { createRandom } from '../../src/core/random.ts';
import { readTfjsGraph, type TfjsGraph } from '../../src/io/tfjs-graph.ts';
import { createKernels, type Kernels } from '../../src/kernels/runtime.ts';
import { planGraph } from '../../src/nn/graph-network.ts';
import { runGraphReference } from '../helpers/graph-reference.ts';

const require = createRequire(import.meta.url);
const models = path.join(path.dirname(require.resolve('@vladmandic/human')), '..', 'models');
const bytes = (file: string) => new Uint8Array(readFileSync(path.join(models, file)));
const graphOf = (name: string) => readTfjsGraph(bytes(`${name}.json`), bytes(`${name}.bin`), name);

/** A picture of soft shapes in [0, 1]: noise alone would leave deep layers to their biases. */
function picture(size: number, seed: number): Float32Array {
  const random = createRandom(seed);
  const phases = Array.from({ length: 12 }, () => 6 * random.normal());
  return Float32Array.from({ length: size * size * 3 }, (_, i) => {
    const [y, x, c] = [Math.floor(i / 3 / size) / size, (Math.floor(i / 3) % size) / size, i % 3];
    const wave =
      Math.sin(phases[c] + 2 * phases[c + 3] * x) + Math.cos(phases[c + 6] + 2 * phases[c + 9] * y);
    return 0.5 + 0.2 * wave + 0.02 * random.normal();
  });
}

const NETWORKS = [
  ['iris', 64, ['Identity:0']],
  ['facemesh', 192, ['output_mesh', 'output_faceflag', 'output_contours']],
  ['blazeface', 256, ['Identity:0', 'Identity_1:0', 'Identity_2:0', 'Identity_3:0']],
] as const;

let kernels: Kernels;
beforeAll(async () => {
  kernels = await createKernels();
});

describe.each(NETWORKS)('%s', (name, size, outputs) => {
  it('gives what its graph says, again and again, and leaves no memory taken', () => {
    const graph = graphOf(name);
    const network = planGraph(kernels, graph, outputs);
    const [first, second] = [picture(size, 1), picture(size, 2)];
    const expected = runGraphReference(graph, second, outputs);
    // Another picture before: what it left in memory must not show.
    network.run(first);
    const used = kernels.bytesUsed;
    const got = network.run(second);
    expect(kernels.bytesUsed).toBe(used);
    expect(got.map((o) => o.length)).toEqual(expected.map((o) => o.length));
    for (const [k, output] of got.entries()) {
      const scale = Math.max(...expected[k].map(Math.abs));
      let worst = 0;
      for (let i = 0; i < output.length; i++) worst = Math.max(worst, Math.abs(output[i] - expected[k][i]));
      // Some thirty layers in float32.
      expect(worst).toBeLessThan(2e-5 * scale);
    }
    expect(network.run(second)).toEqual(got);
  }, 60_000);

  it('runs only what is asked for', () => {
    const graph = graphOf(name);
    const [whole] = planGraph(kernels, graph, outputs).run(picture(size, 3));
    const [alone] = planGraph(kernels, graph, outputs.slice(0, 1)).run(picture(size, 3));
    expect(alone).toEqual(whole);
  });
});

describe('what is not known', () => {
  const iris = () => JSON.parse(new TextDecoder().decode(bytes('iris.json')));
  const read = (model: unknown) =>
    readTfjsGraph(new TextEncoder().encode(JSON.stringify(model)), bytes('iris.bin'), 'iris.json');
  const plan = (graph: TfjsGraph) => planGraph(kernels, graph, ['Identity:0']);

  it('is refused by name', () => {
    const model = iris();
    model.modelTopology.node.find((n: { op: string }) => n.op === 'DepthwiseConv2dNative').op = 'Conv3D';
    expect(() => plan(read(model))).toThrow(/iris.json: .*Conv3D/);
    const other = iris();
    other.modelTopology.node.find((n: { op: string }) => n.op === '_FusedConv2D').attr.fused_ops.list.s = [
      btoa('BiasAdd'),
      btoa('Elu'),
    ];
    expect(() => plan(read(other))).toThrow(/Elu/);
  });

  it('damaged files are told', () => {
    expect(() => readTfjsGraph(bytes('iris.json'), bytes('iris.bin').subarray(0, 1000), 'iris.json')).toThrow(
      FormatError,
    );
    const longer = new Uint8Array(bytes('iris.bin').length + 4);
    expect(() => readTfjsGraph(bytes('iris.json'), longer, 'iris.json')).toThrow(/bytes long instead of/);
    expect(() => read({ modelTopology: {} })).toThrow(/no tfjs graph model/);
    const model = iris();
    model.modelTopology.node = model.modelTopology.node.filter((n: { op: string }) => n.op !== 'ConcatV2');
    expect(() => plan(read(model))).toThrow(/missing/);
    expect(() => planGraph(kernels, read(iris()), ['nothing'])).toThrow(/no output nothing/);
  });

  it('inputs of another size are refused', () => {
    expect(() => plan(read(iris())).run(new Float32Array(10))).toThrow(InvalidArgumentError);
  });
});
