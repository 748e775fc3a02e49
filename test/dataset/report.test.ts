/** The report page: everything escaped, empty sections left out. */
import { describe, expect, it } from 'vitest';
import { quartiles, reportHtml } from '../../src/dataset/report-html.ts';

describe('the report page', () => {
  it('shows rows and pictures, and no markup that came from outside', () => {
    const page = reportHtml({
      title: 'A <b> & c',
      sections: [
        { heading: 'One', rows: [['"name"', '<script>alert(1)</script>']], text: 'a < b' },
        { heading: 'Two', pictures: [['kept 01.jpg', 'x > y']] },
        { heading: 'Empty', rows: [] },
      ],
    });
    expect(page).toContain('<title>A &lt;b&gt; &amp; c</title>');
    expect(page).toContain('<td>&lt;script&gt;alert(1)&lt;/script&gt;</td>');
    expect(page).toContain('<img src="kept%2001.jpg" alt="x &gt; y"');
    expect(page).not.toContain('<script');
    expect(page).not.toContain('Empty');
  });

  it('sums up lists by five numbers', () => {
    expect(quartiles([5, 1, 4, 2, 3])).toEqual([1, 2, 3, 4, 5]);
    expect(quartiles([7])).toEqual([7, 7, 7, 7, 7]);
  });
});
