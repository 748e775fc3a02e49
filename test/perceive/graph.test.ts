/** Networks as plans of tfjs' kernels: the numbers of tfjs' own graph executor, and what is refused. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { loadGraphModelSync } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { FormatError } from '../../src/core/errors.ts';
import { createRandom } from '../../src/core/random.ts';
import { loadPerception } from '../../src/node/perception.ts';
import { type GraphFile, halfFloats, planGraph } from '../../src/perceive/graph.ts';
import { GraphRunner } from '../../src/perceive/graph-runner.ts';

const models = path.join(
  path.dirname(createRequire(import.meta.url).resolve('@vladmandic/human')),
  '..',
  'models',
);

async function files(name: string) {
  const json = JSON.parse(await readFile(path.join(models, `${name}.json`), 'utf8'));
  return { json, weights: new Uint8Array(await readFile(path.join(models, `${name}.bin`))) };
}

function graphModel(json: Awaited<ReturnType<typeof files>>['json'], weights: Uint8Array) {
  return loadGraphModelSync(
    tf.io.fromMemorySync({
      modelTopology: json.modelTopology,
      signature: json.signature ?? json.userDefinedMetadata?.signature,
      weightSpecs: json.weightsManifest[0].weights,
      weightData: weights.buffer as ArrayBuffer,
    }),
  );
}

// Starts tfjs.
beforeAll(async () => (await loadPerception()).dispose());

describe('a plan of kernels', () => {
  it.each([
    ['blazeface', [1, 256, 256, 3], ['Identity:0', 'Identity_1:0', 'Identity_2:0', 'Identity_3:0']],
    ['facemesh', [1, 192, 192, 3], ['output_mesh', 'output_faceflag']],
    ['iris', [2, 64, 64, 3], ['Identity:0']],
    ['faceres', [1, 224, 224, 3], ['global_pooling/Mean']],
  ] as const)(
    'gives the numbers of tfjs’ graph model, and leaves nothing behind: %s',
    async (name, shape, outputs) => {
      const { json, weights } = await files(name);
      const random = createRandom(3);
      const input = Float32Array.from({ length: shape.reduce<number>((a, b) => a * b, 1) }, () =>
        random.uniform(),
      );
      const model = graphModel(json, weights);
      const answer = model.execute(tf.tensor(input, [...shape]), [...outputs]);
      const expected = (Array.isArray(answer) ? answer : [answer]).map((t) => t.dataSync());
      const before = tf.backend().numDataIds();
      const network = new GraphRunner(tf, planGraph(json, weights, outputs));
      const loaded = tf.backend().numDataIds();
      for (let k = 0; k < 2; k++) expect(network.run(input, [...shape])).toEqual(expected);
      expect(tf.backend().numDataIds()).toBe(loaded);
      network.dispose();
      expect(tf.backend().numDataIds()).toBe(before);
      tf.dispose(answer);
      model.dispose();
    },
  );

  it('leaves out what does not lead to the outputs', async () => {
    const { json, weights } = await files('facemesh');
    const some = planGraph(json, weights, ['output_mesh', 'output_faceflag']);
    const all = planGraph(json, weights, ['output_mesh', 'output_faceflag', 'output_contours']);
    expect(some.steps.length).toBeLessThan(all.steps.length);
  });

  it('is refused for operations and weights that are not known, outputs that are not there, short weights', async () => {
    const { json, weights } = await files('iris');
    const outputs = ['Identity:0'];
    const changed = (
      change: (
        file: {
          -readonly [K in keyof GraphFile]: GraphFile[K];
        },
      ) => void,
    ): GraphFile => {
      const copy = structuredClone(json);
      change(copy);
      return copy;
    };
    const node = (file: GraphFile, op: string) =>
      file.modelTopology.node.find((n) => n.op === op) as { op: string; name: string };
    const odd = changed((file) => {
      node(file, 'MaxPool').op = 'LRN';
    });
    expect(() => planGraph(odd, weights, outputs)).toThrow(/LRN/);
    const unnamed = changed((file) => {
      node(file, 'Const').name = 'other';
    });
    expect(() => planGraph(unnamed, weights, outputs)).toThrow(FormatError);
    const packed = changed((file) => {
      for (const spec of file.weightsManifest[0].weights)
        Object.assign(spec, { quantization: { dtype: 'uint8' } });
    });
    expect(() => planGraph(packed, weights, outputs)).toThrow(/uint8/);
    expect(() => planGraph(json, weights, ['Identity_9'])).toThrow(/Identity_9/);
    expect(() => planGraph(json, weights.subarray(0, weights.length - 4), outputs)).toThrow(/weights end/);
  });
});

describe('float16', () => {
  it('becomes float32 exactly, for all finite numbers', () => {
    const halves = Uint16Array.from({ length: 65536 }, (_, k) => k).filter((h) => (h & 0x7c00) !== 0x7c00);
    const expected = Float32Array.from(halves, (h) => {
      const exponent = (h >> 10) & 31;
      const fraction = h & 1023;
      const size = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
      return h & 0x8000 ? -size : size;
    });
    expect(halfFloats(halves)).toEqual(expected);
  });
});
