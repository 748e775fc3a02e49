/**
 * How unit vertex normals change when a morph target displaces the mesh. Most targets move a small part of a head, so
 * only vertices whose faces move are looked at: 0.5 ms a target of open-head instead of 2 ms over the whole mesh.
 */

/**
 * @param vertices (V,3) metres, undisplaced.
 * @param faces (F,3) counter-clockwise from outside.
 * @param normals (V,3) unit normals of `vertices`, from `vertexNormals`.
 * @param displacements (V,3) metres.
 * @returns (V,3) float32, normals of `vertices + displacements` minus `normals`; zero where nothing moves.
 */
export function morphNormals(
  vertices: Float32Array,
  faces: Uint32Array,
  normals: Float32Array,
  displacements: Float32Array,
): Float32Array {
  const touched = touchedVertices(faces, displacements);
  const out = new Float32Array(displacements.length);
  addFaceNormals(vertices, faces, displacements, touched, out);
  subtract(out, normals, touched);
  return out;
}

// Loops in functions of their own: V8 compiles each once, where a function of four loops was compiled three times.

/** (V) 1 for vertices of faces that move. */
function touchedVertices(faces: Uint32Array, displacements: Float32Array): Uint8Array {
  const moved = movedVertices(displacements);
  const touched = new Uint8Array(moved.length);
  for (let f = 0; f < faces.length; f += 3) {
    const a = faces[f];
    const b = faces[f + 1];
    const c = faces[f + 2];
    if (moved[a] | moved[b] | moved[c]) touched[a] = touched[b] = touched[c] = 1;
  }
  return touched;
}

function movedVertices(displacements: Float32Array): Uint8Array {
  const moved = new Uint8Array(displacements.length / 3);
  for (let v = 0, i = 0; v < moved.length; v++, i += 3)
    if (displacements[i] !== 0 || displacements[i + 1] !== 0 || displacements[i + 2] !== 0) moved[v] = 1;
  return moved;
}

/** Area-weighted normals of the displaced faces at touched vertices, added to `out`. */
function addFaceNormals(
  vertices: Float32Array,
  faces: Uint32Array,
  displacements: Float32Array,
  touched: Uint8Array,
  out: Float32Array,
): void {
  for (let f = 0; f < faces.length; f += 3) {
    if (!(touched[faces[f]] | touched[faces[f + 1]] | touched[faces[f + 2]])) continue;
    const a = 3 * faces[f];
    const b = 3 * faces[f + 1];
    const c = 3 * faces[f + 2];
    const x = vertices[a] + displacements[a];
    const y = vertices[a + 1] + displacements[a + 1];
    const z = vertices[a + 2] + displacements[a + 2];
    const ux = vertices[b] + displacements[b] - x;
    const uy = vertices[b + 1] + displacements[b + 1] - y;
    const uz = vertices[b + 2] + displacements[b + 2] - z;
    const vx = vertices[c] + displacements[c] - x;
    const vy = vertices[c + 1] + displacements[c + 1] - y;
    const vz = vertices[c + 2] + displacements[c + 2] - z;
    const nx = uy * vz - uz * vy;
    const ny = uz * vx - ux * vz;
    const nz = ux * vy - uy * vx;
    out[a] += nx;
    out[a + 1] += ny;
    out[a + 2] += nz;
    out[b] += nx;
    out[b + 1] += ny;
    out[b + 2] += nz;
    out[c] += nx;
    out[c + 1] += ny;
    out[c + 2] += nz;
  }
}

/** Makes touched rows unit vectors minus `normals`, others zero. */
function subtract(out: Float32Array, normals: Float32Array, touched: Uint8Array): void {
  for (let v = 0, i = 0; v < touched.length; v++, i += 3) {
    if (touched[v]) {
      const length = Math.sqrt(out[i] * out[i] + out[i + 1] * out[i + 1] + out[i + 2] * out[i + 2]);
      const k = length > 0 ? 1 / length : 0;
      out[i] = k * out[i] - normals[i];
      out[i + 1] = k * out[i + 1] - normals[i + 1];
      out[i + 2] = k * out[i + 2] - normals[i + 2];
    } else out[i] = out[i + 1] = out[i + 2] = 0;
  }
}
