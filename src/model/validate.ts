/**
 * What must hold for any head, whatever file it came from: sizes that agree, indices in range, weights that sum to 1,
 * no NaN. Checked once, when a model is read; nothing downstream checks again.
 */
import { FormatError } from '../core/errors.ts';
import type { HeadModel, SurfacePoints } from './head-model.ts';

/**
 * Throws unless `model` is a head the library can work with.
 * @param source what to call the model in messages, e.g. the path of its file
 * @throws {FormatError} naming the field, the first bad item and what it must be
 */
export function checkHeadModel(model: HeadModel, source: string): void {
  const check = new Checker(source);
  const V = check.rows('template', model.template, 3);
  const F = check.rows('faces', model.faces, 3);
  const U = check.rows('uvs', model.uvs, 2);
  if (V < 3 || F < 1) check.fail('template', `${V} vertices and ${F} faces make no head`);
  check.finite('template', model.template);
  check.indices('faces', model.faces, V);
  check.length('faceUvs', model.faceUvs, 3 * F, 'three for each face');
  check.indices('faceUvs', model.faceUvs, U);
  check.finite('uvs', model.uvs);
  check.within('uvs', model.uvs, 0, 1, 1e-3);

  const J = checkJoints(model, check);
  const S = model.identityNames.length;
  const E = model.expressionNames.length;
  check.length('identityBasis', model.identityBasis, 3 * V * S, `${S} identity names × ${V} vertices × 3`);
  check.length(
    'expressionBasis',
    model.expressionBasis,
    3 * V * E,
    `${E} expression names × ${V} vertices × 3`,
  );
  check.length('expressionSd', model.expressionSd, E, 'one for each expression');
  check.length('expressionRange', model.expressionRange, 2 * E, 'two for each expression');
  check.length('jointTemplate', model.jointTemplate, 3 * J, `${J} joints × 3`);
  check.length(
    'jointIdentityBasis',
    model.jointIdentityBasis,
    3 * J * S,
    `${S} identity names × ${J} joints × 3`,
  );
  check.length(
    'jointExpressionBasis',
    model.jointExpressionBasis,
    3 * J * E,
    `${E} expressions × ${J} joints × 3`,
  );
  check.finite('identityBasis', model.identityBasis);
  check.finite('expressionBasis', model.expressionBasis);
  check.finite('jointTemplate', model.jointTemplate);
  check.finite('jointIdentityBasis', model.jointIdentityBasis);
  check.finite('jointExpressionBasis', model.jointExpressionBasis);
  check.each('expressionSd', model.expressionSd, (x) => x > 0 && x < Infinity, 'must be positive');
  for (let e = 0; e < E; e++) {
    const [low, high] = model.expressionRange.subarray(2 * e, 2 * e + 2);
    // Written so that NaN fails too. Zero, the neutral face, must be allowed.
    if (!(low <= 0 && high >= 0 && low < high)) {
      check.fail(
        'expressionRange',
        `'${model.expressionNames[e]}' has the range [${low}, ${high}]; it must hold 0`,
      );
    }
  }
  if (model.poseBasis) {
    check.length(
      'poseBasis',
      model.poseBasis,
      9 * (J - 1) * V * 3,
      `9 × ${J - 1} joints × ${V} vertices × 3`,
    );
    check.finite('poseBasis', model.poseBasis);
  }
  check.length('skinWeights', model.skinWeights, V * J, `${V} vertices × ${J} joints`);
  check.finite('skinWeights', model.skinWeights);
  check.within('skinWeights', model.skinWeights, 0, 1, 1e-3);
  check.rowSums('skinWeights', model.skinWeights, J);

  checkLandmarks(model, check, F);
  checkTexture(model, check);
  for (const [name, vertices] of model.regions) {
    check.indices(`region '${name}'`, vertices, V);
    for (let i = 1; i < vertices.length; i++) {
      if (vertices[i] <= vertices[i - 1]) {
        check.fail(
          `region '${name}'`,
          `item ${i} is ${vertices[i]} after ${vertices[i - 1]}; numbers must ascend`,
        );
      }
    }
  }
}

/** Joints are usable: returns their number. */
function checkJoints(model: HeadModel, check: Checker): number {
  const J = model.joints.length;
  if (J === 0) check.fail('joints', 'there are none; a head needs at least a root');
  const names = new Set<string>();
  model.joints.forEach(({ name, parent }, j) => {
    if (names.has(name)) check.fail('joints', `two are called '${name}'`);
    names.add(name);
    if (j === 0 ? parent !== -1 : !(Number.isInteger(parent) && parent >= 0 && parent < j)) {
      const rule =
        j === 0 ? 'the first joint is the root, with parent −1' : 'parents come before their children';
      check.fail('joints', `'${name}' (number ${j}) has parent ${parent}; ${rule}`);
    }
  });
  return J;
}

function checkLandmarks(model: HeadModel, check: Checker, F: number): void {
  const { inner51, contour, mesh } = model.landmarks;
  const R = contour.yaws.length;
  if (R === 0)
    check.fail('landmarks.contour.yaws', 'there are none; at least one row of contour points is needed');
  check.finite('landmarks.contour.yaws', contour.yaws);
  for (let r = 1; r < R; r++) {
    if (contour.yaws[r] <= contour.yaws[r - 1])
      check.fail('landmarks.contour.yaws', `item ${r} does not ascend`);
  }
  checkSurfacePoints('landmarks.inner51', inner51, 51, F, check);
  checkSurfacePoints('landmarks.contour', contour.points, 17 * R, F, check);
  checkSurfacePoints('landmarks.mesh', mesh.points, mesh.indices.length, F, check);
  check.indices('landmarks.mesh.indices', mesh.indices, 478);
}

function checkSurfacePoints(name: string, points: SurfacePoints, L: number, F: number, check: Checker): void {
  check.length(`${name}.faces`, points.faces, L, `${L} points`);
  check.length(`${name}.barycentrics`, points.barycentrics, 3 * L, `${L} points × 3`);
  check.indices(`${name}.faces`, points.faces, F);
  check.finite(`${name}.barycentrics`, points.barycentrics);
  check.within(`${name}.barycentrics`, points.barycentrics, 0, 1, 1e-2);
  check.rowSums(`${name}.barycentrics`, points.barycentrics, 3);
}

function checkTexture(model: HeadModel, check: Checker): void {
  if (!model.texture) return;
  const { width, height, mean, basis, names } = model.texture;
  const texels = width * height * 3;
  if (texels === 0) check.fail('texture', `${width} × ${height} texels are no picture`);
  check.length('texture.mean', mean, texels, `${height} × ${width} texels × 3`);
  check.length('texture.basis', basis, names.length * texels, `${names.length} texture names × ${texels}`);
  check.finite('texture.mean', mean);
  check.finite('texture.basis', basis);
  // Catches colours in 0…255.
  check.within('texture.mean', mean, 0, 1, 0.02);
}

class Checker {
  readonly #source: string;
  constructor(source: string) {
    this.#source = source;
  }

  fail(field: string, what: string): never {
    throw new FormatError(`${this.#source}: ${field}: ${what}`);
  }

  /** Number of rows of `columns` items. */
  rows(field: string, array: ArrayLike<number>, columns: number): number {
    if (array.length % columns !== 0) this.fail(field, `${array.length} numbers are not rows of ${columns}`);
    return array.length / columns;
  }

  length(field: string, array: ArrayLike<number>, want: number, because: string): void {
    if (array.length !== want) this.fail(field, `${array.length} numbers, must be ${want} (${because})`);
  }

  finite(field: string, array: Float32Array): void {
    // One pass without a callback: this runs over every number of a model.
    for (let i = 0; i < array.length; i++) {
      if (!Number.isFinite(array[i])) this.fail(field, `item ${i} is ${array[i]}`);
    }
  }

  each(field: string, array: Float32Array, test: (x: number) => boolean, rule: string): void {
    const bad = array.findIndex((x) => !test(x));
    if (bad >= 0) this.fail(field, `item ${bad} is ${array[bad]}; it ${rule}`);
  }

  within(field: string, array: Float32Array, low: number, high: number, slack: number): void {
    this.each(field, array, (x) => x >= low - slack && x <= high + slack, `must lie in [${low}, ${high}]`);
  }

  indices(field: string, array: Uint32Array, end: number): void {
    const bad = array.findIndex((i) => i >= end);
    if (bad >= 0) this.fail(field, `item ${bad} is ${array[bad]}, but there are only ${end}`);
  }

  rowSums(field: string, array: Float32Array, columns: number): void {
    for (let row = 0; row * columns < array.length; row++) {
      let sum = 0;
      for (let i = row * columns; i < (row + 1) * columns; i++) sum += array[i];
      if (Math.abs(sum - 1) > 1e-3) this.fail(field, `row ${row} sums to ${sum.toFixed(4)}, must be 1`);
    }
  }
}
