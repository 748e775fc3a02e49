/** Networks planted with one face: S3FD, FAN and BiSeNet files that answer what is true of one photo. */
import { type FanOptions, fanCrop } from '../../src/perceive/fan.ts';
import type { FaceBox } from '../../src/perceive/types.ts';
import { makePlanted } from './onnx-networks.ts';

/** S3FD for a photo of width × height that finds `box`, and nothing else. */
export function plantedS3fd(width: number, height: number, box: FaceBox): Uint8Array {
  const outputs = [4, 8, 16, 32, 64, 128].flatMap((stride, k) => {
    const [w, h] = [Math.ceil(width / stride), Math.ceil(height / stride)];
    const n = w * h;
    const classes = new Float32Array(2 * n).fill(5, 0, n);
    const boxes = new Float32Array(4 * n);
    if (stride === 32) {
      // The cell that holds the box's centre, coded against its anchor of 128².
      const [cx, cy] = [box.x + box.width / 2, box.y + box.height / 2];
      const [x, y] = [Math.floor(cx / stride), Math.floor(cy / stride)];
      const i = y * w + x;
      classes[n + i] = 5 + Math.log(box.score / (1 - box.score));
      boxes[i] = (cx - stride * (x + 0.5)) / 12.8;
      boxes[n + i] = (cy - stride * (y + 0.5)) / 12.8;
      boxes[2 * n + i] = Math.log(box.width / 128) / 0.2;
      boxes[3 * n + i] = Math.log(box.height / 128) / 0.2;
    }
    return [
      { name: `cls${k}`, shape: [1, 2, h, w], data: classes },
      { name: `reg${k}`, shape: [1, 4, h, w], data: boxes },
    ];
  });
  return makePlanted([1, 3, 'height', 'width'], outputs);
}

/** FAN whose heat maps, seen through the crop of `box`, are highest next to `landmarks68`. */
export function plantedFan(box: FaceBox, landmarks68: Float32Array, options?: FanOptions): Uint8Array {
  const { cx, cy, side } = fanCrop(box, options);
  const data = new Float32Array(68 * 64 * 64);
  for (let l = 0; l < 68; l++) {
    const u = ((landmarks68[2 * l] - cx) / side + 0.5) * 64 - 0.5;
    const v = ((landmarks68[2 * l + 1] - cy) / side + 0.5) * 64 - 0.5;
    for (let i = 0; i < 64 * 64; i++) {
      const d2 = ((i % 64) - u) ** 2 + (Math.floor(i / 64) - v) ** 2;
      data[l * 4096 + i] = Math.exp(-d2 / 2);
    }
  }
  return makePlanted([1, 3, 256, 256], [{ name: 'heatmaps', shape: [1, 68, 64, 64], data }]);
}

/** BiSeNet that sees skin (1) in the upper part of its picture, hair (17) below `share` of it. */
export function plantedBisenet(share: number): Uint8Array {
  const n = 512 * 512;
  const data = new Float32Array(19 * n);
  for (let p = 0; p < n; p++) data[(p < share * n ? 1 : 17) * n + p] = 1;
  return makePlanted([1, 3, 512, 512], [{ name: 'out', shape: [1, 19, 512, 512], data }]);
}
