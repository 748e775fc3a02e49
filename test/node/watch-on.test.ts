/** What a perception's thread is asked while it watches a video; the thread is made up. */
import { describe, expect, it } from 'vitest';
import { watchOn } from '../../src/node/threaded-perception.ts';

const order = { file: 'a.mp4', video: {}, options: { face: 'largest', resume: null } } as const;
const nobody = () => null;

function madeUp(seen: number) {
  const asked: string[] = [];
  const ask = async (name: string) => {
    asked.push(name);
    return name === 'next' ? { seen: seen-- > 0 ? {} : null, warnings: [] } : null;
  };
  return { asked, thread: { ask } };
}
const soon = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('watchOn', () => {
  it('begins before anybody takes a frame, and ends with the last one', async () => {
    const { asked, thread } = madeUp(1);
    const watch = watchOn(thread, Promise.resolve(), order, new AbortController().signal, []);
    await soon();
    expect(asked).toEqual(['watch']);
    for await (const _ of watch(nobody));
    expect(asked).toEqual(['watch', 'next', 'next', 'end']);
  });

  it('asks for the next frame before the one before it is done with', async () => {
    const { asked, thread } = madeUp(2);
    const counts: number[] = [];
    const watch = watchOn(thread, Promise.resolve(), order, new AbortController().signal, []);
    for await (const _ of watch(nobody)) counts.push(asked.filter((name) => name === 'next').length);
    expect(counts).toEqual([2, 3]);
    expect(asked.at(-1)).toBe('end');
  });

  // A watch that nobody took frames of went on after an abort until its thread was disposed of.
  it('ends on an abort though nobody has begun to take frames', async () => {
    const { asked, thread } = madeUp(3);
    const controller = new AbortController();
    const watch = watchOn(thread, Promise.resolve(), order, controller.signal, []);
    await soon();
    controller.abort();
    await soon();
    expect(asked).toEqual(['watch', 'end']);
    await expect(watch(nobody)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      name: 'AbortedError',
    });
  });

  it('does not begin when it is aborted before its thread has started', async () => {
    const { asked, thread } = madeUp(3);
    const controller = new AbortController();
    const watch = watchOn(thread, soon(), order, controller.signal, []);
    controller.abort();
    await expect(watch(nobody)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      name: 'AbortedError',
    });
    expect(asked).toEqual([]);
  });
});
