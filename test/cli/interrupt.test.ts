/** Ctrl-C once and twice, without a process. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { interruption } from '../../src/cli/interrupt.ts';

describe('Ctrl-C', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('asks first, says so where it takes a while, and ends the process the second time', () => {
    const controller = new AbortController();
    const said: string[] = [];
    const codes: number[] = [];
    const hit = interruption(controller, { write: (text) => said.push(text) }, (code) => codes.push(code));
    hit('SIGINT');
    expect(controller.signal.aborted).toBe(true);
    expect([said, codes]).toEqual([[], []]);
    vi.advanceTimersByTime(1500);
    expect(said.join('')).toMatch(/stops after the step in hand; Ctrl-C again stops at once/);
    hit('SIGINT');
    expect(codes).toEqual([130]);
  });
});
