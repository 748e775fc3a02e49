/** The progress shown: a bar with time left on a terminal, plain lines elsewhere. */
import { describe, expect, it } from 'vitest';
import { duration, ProgressBar } from '../../src/cli/progress-bar.ts';

/** A stream that keeps what is written, a clock that is set by hand. */
function setUp(isTTY: boolean, options: { quiet?: boolean; columns?: number } = {}) {
  const state = { text: '', time: 0 };
  const stream = {
    write: (text: string) => void (state.text += text),
    isTTY,
    columns: options.columns ?? 120,
  };
  const bar = new ProgressBar(stream, { quiet: options.quiet, now: () => state.time });
  return { state, bar };
}

describe('progress on a terminal', () => {
  it('redraws one line with share done, time left, stage and energy', () => {
    const { state, bar } = setUp(true);
    bar.start('me.jpg');
    state.time = 1000;
    bar.update({ stage: 'photometric 112', fraction: 0.25, energy: 900 });
    state.time = 2000;
    bar.update({ stage: 'photometric 112', fraction: 0.5, energy: 300 });
    const last = state.text.split('\r\x1b[2K').at(-1);
    expect(last).toBe('me.jpg ██████████░░░░░░░░░░  50 %  0:02 left  photometric 112, energy 900 → 300');
    expect(state.text).not.toContain('\n');
  });

  it('never writes more than a line', () => {
    const { state, bar } = setUp(true, { columns: 40 });
    bar.start('a-photo-with-a-very-long-name.jpg');
    bar.update({ stage: 'photometric 112', fraction: 0.5, energy: 900 });
    expect(state.text.replace('\r\x1b[2K', '').length).toBeLessThan(40);
  });

  it('does not redraw more often than an eye can see, but always when the stage changes', () => {
    const { state, bar } = setUp(true);
    bar.start('me.jpg');
    for (let i = 0; i < 1000; i++) bar.update({ stage: 'a', fraction: i / 2000 });
    expect(state.text.split('\r').length - 1).toBe(1);
    bar.update({ stage: 'b', fraction: 0.5 });
    expect(state.text.split('\r').length - 1).toBe(2);
  });

  it('is gone at the end', () => {
    const { state, bar } = setUp(true);
    bar.start('me.jpg');
    bar.update({ stage: 'a', fraction: 0.5 });
    bar.end();
    expect(state.text.endsWith('\r\x1b[2K')).toBe(true);
  });
});

describe('progress elsewhere', () => {
  it('is one plain line per stage with the fall of the energy', () => {
    const { state, bar } = setUp(false);
    bar.start('me.jpg');
    bar.update({ stage: 'perceive', fraction: 0.1 });
    bar.update({ stage: 'landmarks', fraction: 0.2, energy: 1234.5 });
    bar.update({ stage: 'landmarks', fraction: 0.3, energy: 1.25 });
    bar.end();
    expect(state.text).toBe('me.jpg: perceive\nme.jpg: landmarks, energy 1235 → 1.25\n');
  });

  it('is nothing when quiet, except for notes', () => {
    const { state, bar } = setUp(false, { quiet: true });
    bar.start('me.jpg');
    bar.update({ stage: 'perceive', fraction: 0.1 });
    bar.end();
    bar.note('trouble');
    expect(state.text).toBe('trouble\n');
  });
});

describe('duration', () => {
  it.each([
    [0, '0:00'],
    [900, '0:01'],
    [61_000, '1:01'],
    [3_600_000, '1:00:00'],
  ])('%d ms is %s', (milliseconds, text) => {
    expect(duration(milliseconds)).toBe(text);
  });
});
