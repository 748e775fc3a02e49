import { expect, it } from 'vitest';
import { InOrder } from '../../src/cli/in-order.ts';

it('says what jobs say in their order, the earliest one at once', () => {
  const order = new InOrder();
  const heard: string[] = [];
  const say = (index: number, text: string) => order.say(index, () => heard.push(text));
  say(2, 'c1');
  say(0, 'a1');
  expect(heard).toEqual(['a1']);
  order.end(1);
  say(0, 'a2');
  order.end(0);
  expect(heard).toEqual(['a1', 'a2', 'c1']);
  say(2, 'c2');
  say(4, 'e1');
  order.end(2);
  expect(heard).toEqual(['a1', 'a2', 'c1', 'c2']);
  order.flush();
  expect(heard.at(-1)).toBe('e1');
});
