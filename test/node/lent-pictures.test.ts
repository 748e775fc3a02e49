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

  it('are forgotten where too many are not given back: memory is bounded, whoever dies with some', () => {
    const lender = new PictureLender(100);
    const [a, b, c, d] = Array.from({ length: 4 }, () => lender.lend(40));
    // The first one was forgotten when the fourth was lent.
    giveBack(image(a));
    const e = lender.lend(40);
    expect([a, b, c, d].some(({ buffer }) => buffer === e.buffer)).toBe(false);
    giveBack(image(b));
    giveBack(image(c));
    expect(lender.lend(40).buffer).toBe(c.buffer);
    // One of another size is in nobody's way for long.
    expect(lender.lend(80).length).toBe(80);
  });

  it('are no others: one that was not lent stays as it is', () => {
    const own = new Uint8ClampedArray(40).fill(7);
    giveBack(image(own));
    giveBack(image(own.subarray(4, 8)));
    expect(own.every((x) => x === 7)).toBe(true);
  });
});
