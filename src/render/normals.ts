/**
 * Vertex normals: area-weighted sums of face normals (Max 1999 compares the weights; this is the field's usual
 * choice), and their derivative with respect to parameters that move the vertices.
 */

/**
 * Unit vertex normals.
 * @param vertices (V,3) metres.
 * @param faces (F,3) counter-clockwise from outside.
 * @returns (V,3) float32; zero where a vertex has no area around it.
 */
export function vertexNormals(vertices: Float32Array, faces: Uint32Array): Float32Array {
  const normals = new Float32Array(vertices.length);
  addFaceNormals(vertices, faces, normals);
  normalize(normals);
  return normals;
}

// Loops in functions of their own: one after the other in a function, V8 compiles that three times.

function addFaceNormals(vertices: Float32Array, faces: Uint32Array, normals: Float32Array): void {
  for (let f = 0; f < faces.length; f += 3) {
    const a = 3 * faces[f];
    const b = 3 * faces[f + 1];
    const c = 3 * faces[f + 2];
    const ax = vertices[a];
    const ay = vertices[a + 1];
    const az = vertices[a + 2];
    const ux = vertices[b] - ax;
    const uy = vertices[b + 1] - ay;
    const uz = vertices[b + 2] - az;
    const vx = vertices[c] - ax;
    const vy = vertices[c + 1] - ay;
    const vz = vertices[c + 2] - az;
    const nx = uy * vz - uz * vy;
    const ny = uz * vx - ux * vz;
    const nz = ux * vy - uy * vx;
    normals[a] += nx;
    normals[a + 1] += ny;
    normals[a + 2] += nz;
    normals[b] += nx;
    normals[b + 1] += ny;
    normals[b + 2] += nz;
    normals[c] += nx;
    normals[c + 1] += ny;
    normals[c + 2] += nz;
  }
}

function normalize(normals: Float32Array): void {
  for (let i = 0; i < normals.length; i += 3) {
    const n = Math.hypot(normals[i], normals[i + 1], normals[i + 2]);
    const k = n > 0 ? 1 / n : 0;
    normals[i] *= k;
    normals[i + 1] *= k;
    normals[i + 2] *= k;
  }
}
