/**
 * Questions whose answers are known, asked of a half-trained network and of the classical completions: parts of seen
 * textures are hidden as in training, from maps that nothing was learned from where there are some.
 */
import type { CompletionAtlas, KnownTexture } from './atlas.ts';
import { exampleSeed, hide, type Question } from './examples.ts';
import type { ExampleRunner } from './training.ts';
import { componentsWithout, type TrainingSet, textureOf } from './training-set.ts';

/** A question, and what is true where the photo shows it. */
export interface CheckQuestion extends Question {
  /** Map it is asked of. */
  readonly map: number;
  readonly truth: KnownTexture;
}

/** Answers to a question, (n,3) each: the network's, and the classical ones in the order of the network's shares. */
export interface CheckAnswers {
  readonly network: Float32Array;
  readonly components: Float32Array;
  readonly mirror: Float32Array;
}

/** Mean absolute errors over what was hidden. */
export type CheckErrors = { readonly [K in keyof CheckAnswers]: number };

const QUESTIONS = 8;
/** No step of a training has this number. */
const CHECK_STEP = 1_000_000;

/** Draws the questions; the same set and seed give the same ones. */
export function checkQuestions(atlas: CompletionAtlas, set: TrainingSet, seed: number): CheckQuestion[] {
  const held = set.count - set.trained;
  const first = held > 0 ? set.trained : 0;
  const from = held > 0 ? held : set.count;
  return Array.from({ length: Math.min(QUESTIONS, from) }, (_, i) => {
    const map = first + i;
    const truth = textureOf(set, map);
    const other = textureOf(set, (map * 7 + 3) % set.count);
    return { ...hide(atlas, truth, other, exampleSeed(seed, CHECK_STEP, i)), map, truth };
  });
}

/**
 * Answers a question with the parameters that `runner` holds, told by components that have not seen the answer: with those of
 * all maps a network that learned how far to trust them looked worse with every step.
 */
export function answerCheck(
  runner: ExampleRunner,
  set: TrainingSet,
  { known, map }: CheckQuestion,
): CheckAnswers {
  const { values, candidates } = runner.complete(componentsWithout(set, map), known);
  return { network: values, components: candidates[0], mirror: candidates[1] };
}

/** Errors over all questions, texel by texel. */
export function checkErrors(
  questions: readonly CheckQuestion[],
  answers: readonly CheckAnswers[],
): CheckErrors {
  const error = (method: keyof CheckAnswers) => {
    let [sum, count] = [0, 0];
    questions.forEach(({ hidden, truth }, q) => {
      const values = answers[q][method];
      for (let i = 0; i < hidden.length; i++) {
        if (!hidden[i]) continue;
        count++;
        for (let c = 3 * i; c < 3 * i + 3; c++) sum += Math.abs(values[c] - truth.values[c]) / 3;
      }
    });
    return sum / Math.max(count, 1);
  };
  return { network: error('network'), components: error('components'), mirror: error('mirror') };
}
