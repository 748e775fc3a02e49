/**
 * One offset of several photos' own ones, texel by texel, by the square of how well each photo shows it.
 *
 * Eyes move, and a fit knows where they look to a few degrees only: irises blended from several photos are a smear. So both
 * eyes are taken from one photo, that which shows most of the one it shows less of; each from one of its own where no photo
 * shows both, as two profiles do not. Nor does a fit know where teeth are: the mouth's inside is taken from one photo too.
 */
import type { F32, Kernels } from '../kernels/runtime.ts';
import type { HeadModel } from '../model/head-model.ts';
import type { TexelGraph } from './texel-graph.ts';

/** What a photo says. */
export interface OffsetView {
  /** (n,4) float32. */
  readonly offset: F32;
  /** (n) float32 how well it shows each node, in [0, 1]. */
  readonly visibility: F32;
}

const EYEBALLS = ['left_eyeball', 'right_eyeball'] as const;

/**
 * The blend; a node is as visible as it ever was.
 * @param eyes (n) of {@link eyeballNodes}
 * @param mouth (n) not 0 inside the mouth, and the number of the view that it is taken from
 */
export function blendViews(
  kernels: Kernels,
  views: readonly OffsetView[],
  eyes: Uint8Array,
  mouth?: { readonly inside: Uint8Array; readonly view: number },
): OffsetView {
  const n = eyes.length;
  const offset = kernels.f32(4 * n);
  const visibility = kernels.f32(n);
  const [sum, most] = [offset.view, visibility.view];
  const total = new Float32Array(n);
  const chosen = chooseViews(views.map((view) => eyesShown(view.visibility.view, eyes)));
  for (const [k, view] of views.entries()) {
    const [x, v] = [view.offset.view, view.visibility.view];
    for (let i = 0; i < n; i++) {
      if (eyes[i] > 0 && k !== chosen[eyes[i] - 1]) continue;
      if (mouth && mouth.inside[i] > 0 && k !== mouth.view) continue;
      const w = v[i] * v[i];
      total[i] += w;
      most[i] = Math.max(most[i], v[i]);
      for (let c = 4 * i; c < 4 * i + 3; c++) sum[c] += w * x[c];
    }
  }
  for (let i = 0; i < n; i++) if (total[i] > 0) for (let c = 4 * i; c < 4 * i + 3; c++) sum[c] /= total[i];
  return { offset, visibility };
}

/** (n) 1 for nodes of the left eyeball, 2 for those of the right one, else 0. */
export function eyeballNodes(model: HeadModel, { faces }: TexelGraph): Uint8Array {
  const at = new Uint8Array(model.template.length / 3);
  for (const [e, name] of EYEBALLS.entries()) for (const v of model.regions.get(name) ?? []) at[v] = e + 1;
  return Uint8Array.from(faces, (f) => at[model.faces[3 * f]]);
}

/** Number of the view that each eyeball is taken from; `shown` as of {@link eyesShown}. */
function chooseViews(shown: readonly (readonly number[])[]): readonly number[] {
  const best = (of: (view: readonly number[]) => number) => {
    const values = shown.map(of);
    return values.indexOf(Math.max(...values));
  };
  const both = best((view) => Math.min(...view));
  return EYEBALLS.map((_, e) => (Math.min(...shown[both]) > 0 ? both : best((view) => view[e])));
}

/** How much is seen of each eyeball. */
function eyesShown(visibility: Float32Array, eyes: Uint8Array): readonly number[] {
  const sums = EYEBALLS.map(() => 0);
  for (const [i, e] of eyes.entries()) if (e > 0) sums[e - 1] += visibility[i] ** 2;
  return sums;
}
