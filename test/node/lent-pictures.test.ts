import { describe, expect, it } from 'vitest';
import { giveBack, PictureLender } from '../../src/node/lent-pictures.ts';

const image = (data: Uint8ClampedArray) => ({ width: data.length / 4, height: 1, data });

describe('lent pictures', () => {
  it('are lent again once they are given back, by whichever thread', () => {
    const lender = new PictureLender();
    const [a, b] = [lender.lend(40), lender.lend(40)];
    expect(a.length).toBe(40);
    expect(b.buffer).not.toBe(a.buffer);
    expect(lender.lend(40).buffer).not.toBe(a.buffer);
    // As another thread has it.
    giveBack(image(structuredClone(a)));
    expect(lender.lend(40).buffer).toBe(a.buffer);
    giveBack(image(b));
    expect(lender.lend(40).buffer).toBe(b.buffer);
  });

  it('are of the size asked for, odd ones too', () => {
    const lender = new PictureLender();
    const odd = lender.lend(37);
    odd.fill(255);
    giveBack(image(odd));
    expect(lender.lend(40).buffer).not.toBe(odd.buffer);
    expect(odd.every((x) => x === 255)).toBe(true);
  });

  it('are no others: one that was not lent stays as it is', () => {
    const own = new Uint8ClampedArray(40).fill(7);
    giveBack(image(own));
    giveBack(image(own.subarray(4, 8)));
    expect(own.every((x) => x === 7)).toBe(true);
  });
});
