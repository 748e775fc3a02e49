/** Reference of `kernels/vertex-blocks.ts`, float64, with full matrices. */

/** Samples as in `BlockSamples`, in plain arrays. */
export interface BlockSamplesReference {
  readonly corners: ArrayLike<number>;
  readonly barycentrics: ArrayLike<number>;
  readonly jacobian: ArrayLike<number>;
  readonly stride: number;
  readonly columns: number;
}

/** T (5A,4A) of vertices whose numbers 2…4 are normals with tangents `frames` (A,8): columns u, v, t₁, t₂. */
export function tangentBasisReference(frames: ArrayLike<number>): Float64Array {
  const A = frames.length / 8;
  const T = new Float64Array(20 * A * A);
  const put = (row: number, column: number, value: number) => {
    T[row * 4 * A + column] = value;
  };
  for (let i = 0; i < A; i++) {
    put(5 * i, 4 * i, 1);
    put(5 * i + 1, 4 * i + 1, 1);
    for (let a = 0; a < 3; a++) {
      put(5 * i + 2 + a, 4 * i + 2, frames[8 * i + a]);
      put(5 * i + 2 + a, 4 * i + 3, frames[8 * i + 4 + a]);
    }
  }
  return T;
}

/** JᵀJ of all samples: `geometry` (5A,5A) and `mixed` (5A,X). */
export function vertexBlocksReference(samples: BlockSamplesReference, vertexCount: number) {
  const { corners, barycentrics, jacobian, stride, columns } = samples;
  const size = 5 * vertexCount;
  const geometry = new Float64Array(size * size);
  const mixed = new Float64Array(size * columns);
  for (let p = 0; p < corners.length / 3; p++) {
    for (let channel = 0; channel < 3; channel++) {
      const at = (3 * p + channel) * stride;
      // The residual's derivative with respect to all vertex numbers.
      const row = new Float64Array(size);
      for (let i = 0; i < 3; i++) {
        for (let a = 0; a < 5; a++) {
          row[5 * corners[3 * p + i] + a] += barycentrics[3 * p + i] * jacobian[at + columns + a];
        }
      }
      for (let r = 0; r < size; r++) {
        if (row[r] === 0) continue;
        for (let c = 0; c < size; c++) geometry[r * size + c] += row[r] * row[c];
        for (let x = 0; x < columns; x++) mixed[r * columns + x] += row[r] * jacobian[at + x];
      }
    }
  }
  return { geometry, mixed };
}
