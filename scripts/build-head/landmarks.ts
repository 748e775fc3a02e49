/**
 * Landmarks of the head. Where they sit is data, `landmarks.json`, made by `calibrate.ts` (detections on renders of
 * the head, carried back onto its surface); faces are named by their three vertices so that the table survives a
 * change of the order of faces. This file turns the table into the model's embedding.
 */
import type { LandmarkEmbedding, SurfacePoints } from '../../src/model/head-model.ts';

/** A point on the surface: three vertices and their weights. */
export type Anchor = readonly [number, number, number, number, number, number];

/** The table. */
export interface LandmarkTable {
  readonly inner51: readonly Anchor[];
  readonly contourYaws: readonly number[];
  readonly contour: readonly (readonly Anchor[])[];
  readonly meshIndices: readonly number[];
  readonly mesh: readonly Anchor[];
}

/** The embedding of `table` on `faces` (F,3). */
export function embedLandmarks(table: LandmarkTable, faces: ArrayLike<number>): LandmarkEmbedding {
  const index = new Map<string, number>();
  for (let f = 0; f < faces.length / 3; f++)
    index.set([faces[3 * f]!, faces[3 * f + 1]!, faces[3 * f + 2]!].sort((a, b) => a - b).join(), f);
  const points = (anchors: readonly Anchor[]): SurfacePoints => {
    const f = new Uint32Array(anchors.length);
    const b = new Float32Array(3 * anchors.length);
    anchors.forEach((a, i) => {
      const face = index.get([a[0], a[1], a[2]].sort((x, y) => x - y).join());
      if (face === undefined)
        throw new Error(`landmark ${i}: no face with vertices ${a.slice(0, 3)}; run calibrate.ts again`);
      f[i] = face;
      for (let k = 0; k < 3; k++) b[3 * i + k] = a[3 + a.slice(0, 3).indexOf(faces[3 * face + k]!)]!;
    });
    return { faces: f, barycentrics: b };
  };
  return {
    inner51: points(table.inner51),
    contour: {
      yaws: Float32Array.from(table.contourYaws, (d) => (d * Math.PI) / 180),
      points: points(table.contour.flat()),
    },
    mesh: { indices: Uint32Array.from(table.meshIndices), points: points(table.mesh) },
  };
}

/** Stand-in while there is no table: everything at the nose tip. */
export function placeholderTable(faces: ArrayLike<number>): LandmarkTable {
  const a: Anchor = [faces[0]!, faces[1]!, faces[2]!, 1, 0, 0];
  return {
    inner51: Array(51).fill(a),
    contourYaws: [-90, 0, 90],
    contour: [0, 1, 2].map(() => Array(17).fill(a)),
    meshIndices: [1],
    mesh: [a],
  };
}
