/**
 * PLY, binary little-endian (Turk 1994, "The PLY polygon file format"): triangles with normals and vertex colours, for
 * MeshLab, CloudCompare, Open3D and Blender. Vertex n of the file is vertex n of the mesh; texture coordinates, of which
 * a vertex on a seam has two, are left out.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import { checkMeshExport, type MeshExport } from './mesh-export.ts';

/**
 * A PLY file.
 * @param colours (V,3) float32 in [0, 1], sRGB-encoded; without colours the file has none
 * @throws {InvalidArgumentError} when the mesh or the colours do not fit together
 */
export function writePly(mesh: MeshExport, colours: Float32Array | null = null): Uint8Array {
  checkMeshExport(mesh, 'writePly');
  const { positions, normals, faces } = mesh;
  const V = positions.length / 3;
  const F = faces.length / 3;
  if (colours && colours.length !== 3 * V)
    throw new InvalidArgumentError(`writePly: colours has ${colours.length} numbers, must be ${3 * V}`);
  const header = new TextEncoder().encode(
    [
      'ply',
      'format binary_little_endian 1.0',
      ...(mesh.copyright ? [`comment ${mesh.copyright.replace(/[^\x20-\x7e]+/g, ' ')}`] : []),
      `element vertex ${V}`,
      ...['x', 'y', 'z', 'nx', 'ny', 'nz'].map((name) => `property float ${name}`),
      ...(colours ? ['red', 'green', 'blue'].map((name) => `property uchar ${name}`) : []),
      `element face ${F}`,
      'property list uchar int vertex_indices',
      'end_header\n',
    ].join('\n'),
  );
  const stride = 24 + (colours ? 3 : 0);
  const out = new Uint8Array(header.length + V * stride + F * 13);
  out.set(header);
  const view = new DataView(out.buffer);
  let at = header.length;
  for (let v = 0; v < V; v++, at += stride) {
    for (let a = 0; a < 3; a++) {
      view.setFloat32(at + 4 * a, positions[3 * v + a], true);
      view.setFloat32(at + 12 + 4 * a, normals[3 * v + a], true);
      if (colours) out[at + 24 + a] = Math.round(255 * Math.min(1, Math.max(0, colours[3 * v + a])));
    }
  }
  for (let f = 0; f < F; f++, at += 13) {
    out[at] = 3;
    for (let k = 0; k < 3; k++) view.setInt32(at + 1 + 4 * k, faces[3 * f + k], true);
  }
  return out;
}
