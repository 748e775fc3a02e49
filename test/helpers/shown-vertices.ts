/** What a viewer shows of a skinned mesh in a GLB file: morph targets at their weights, then the skin, as glTF says. */
import type { Node } from '@gltf-transform/core';

/**
 * Vertices as shown, (N,3) metres.
 * @param node of the mesh; its joints as they are turned now.
 * @param weights of the morph targets.
 */
export function shownVertices(node: Node, weights: readonly number[]): Float64Array {
  const [primitive] = node.getMesh()!.listPrimitives();
  const array = (name: string) => primitive.getAttribute(name)!.getArray()!;
  const positions = Float64Array.from(array('POSITION'));
  primitive.listTargets().forEach((target, e) => {
    const d = target.getAttribute('POSITION')!.getArray()!;
    for (let i = 0; i < positions.length; i++) positions[i] += weights[e] * d[i];
  });
  const skin = node.getSkin()!;
  const inverse = skin.getInverseBindMatrices()!.getArray()!;
  const matrices = skin.listJoints().map((joint, j) => {
    const m = joint.getWorldMatrix();
    const b = inverse.subarray(16 * j, 16 * j + 16);
    return Array.from({ length: 16 }, (_, k) =>
      [0, 1, 2, 3].reduce((s, i) => s + m[(k % 4) + 4 * i] * b[i + 4 * Math.floor(k / 4)], 0),
    );
  });
  const out = new Float64Array(positions.length);
  for (const set of [0, 1].filter((s) => primitive.getAttribute(`JOINTS_${s}`))) {
    const [joints, shares] = [array(`JOINTS_${set}`), array(`WEIGHTS_${set}`)];
    for (let v = 0; v < positions.length / 3; v++)
      for (let k = 4 * v; k < 4 * v + 4; k++) {
        const m = matrices[joints[k]];
        for (let a = 0; a < 3; a++) {
          let x = m[12 + a];
          for (let b = 0; b < 3; b++) x += m[4 * b + a] * positions[3 * v + b];
          out[3 * v + a] += shares[k] * x;
        }
      }
  }
  return out;
}
