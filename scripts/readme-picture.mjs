// Writes the pictures in the README, docs/images/portrait.jpg and turntable.jpg, from a fresh fit of the example. Run it when fits have
// become better: node scripts/readme-picture.mjs
import path from 'node:path';
import { install, root, runOrExit } from './lib/setup.mjs';

install();
runOrExit(process.execPath, [path.join(root, 'scripts', 'demo.mjs')]);
const { default: sharp } = await import('sharp');
const overlay = sharp(path.join(root, 'out', 'demo', 'portrait', 'overlay.png'));
const { width, height } = await overlay.metadata();
// Six panels in a row are too small on a page: two rows of three.
const half = Math.floor(width / 2);
const row = (left) => overlay.clone().extract({ left, top: 0, width: half, height }).toBuffer();
await sharp({ create: { width: half, height: 2 * height, channels: 3, background: '#fff' } })
  .composite([
    { input: await row(0), left: 0, top: 0 },
    { input: await row(width - half), left: 0, top: height },
  ])
  .jpeg({ quality: 88, mozjpeg: true })
  .toFile(path.join(root, 'docs', 'images', 'portrait.jpg'));

// The same head turned, as docs/images/turntable.jpg.
const SIDE = 320;
const yaws = [-60, -30, 0, 30, 60];
const views = [];
for (const [i, yaw] of yaws.entries()) {
  const view = path.join(root, 'out', 'demo', `view-${i}.png`);
  runOrExit(process.execPath, [
    path.join(root, 'bin', 'photofit.js'),
    'render',
    path.join(root, 'out', 'demo', 'portrait'),
    '--yaw',
    String(yaw),
    '--size',
    String(SIDE),
    '-o',
    view,
  ]);
  views.push({ input: view, left: i * SIDE, top: 0 });
}
await sharp({ create: { width: SIDE * yaws.length, height: SIDE, channels: 3, background: '#fff' } })
  .composite(views)
  .jpeg({ quality: 88, mozjpeg: true })
  .toFile(path.join(root, 'docs', 'images', 'turntable.jpg'));
