// npm run demo: installs, builds, fits examples/portrait.jpg with the embedded head and says where the results are.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { install, root, run, runOrExit } from './lib/setup.mjs';

install();
runOrExit(process.execPath, [path.join(root, 'scripts', 'build.mjs')]);

const out = path.join('out', 'demo');
const code = run(process.execPath, [
  path.join('bin', 'photofit.js'),
  'fit',
  path.join('examples', 'portrait.jpg'),
  '-o',
  out,
]);
if (code !== 0) process.exit(code);

const about = {
  'overlay.png': 'photo, landmarks, render over the photo, shape, albedo, shading: look at this first',
  'head.glb': 'the textured head, for Blender or any glTF viewer',
  'head.obj': 'the same as Wavefront OBJ, with head.mtl and texture.png',
  'texture.png': 'the texture in the UV layout of the model',
  'visibility.png': 'which part of the texture the photo shows; the rest is filled in',
  'energy.png': 'how the energy fell, stage by stage',
  'fit.json': 'all numbers: parameters, camera, light, energies, metrics, times',
  'fit.npz': 'the same arrays for Python (numpy.load)',
};
const folder = path.join(out, 'portrait');
const files = new Set(readdirSync(path.join(root, folder)));
console.log(`\nThe results are in ${folder}:`);
for (const [name, what] of Object.entries(about)) {
  if (files.has(name)) console.log(`  ${name.padEnd(12)} ${what}`);
}
