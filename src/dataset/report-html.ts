/**
 * The report of a work folder as one static page: what came in, what was kept and why not, and the pictures beside it. No
 * script, nothing fetched from elsewhere; pictures are named relative to the page.
 */

/** What the page says. */
export interface ReportContent {
  readonly title: string;
  /** Sections in order; those without rows and pictures are left out. */
  readonly sections: readonly ReportSection[];
}

/** One section of the page. */
export interface ReportSection {
  readonly heading: string;
  /** A sentence or two below the heading. */
  readonly text?: string;
  /** Name and value. */
  readonly rows?: readonly (readonly [string, string])[];
  /** File beside the page and what it shows. */
  readonly pictures?: readonly (readonly [file: string, caption: string])[];
}

/** The page. */
export function reportHtml({ title, sections }: ReportContent): string {
  const body = sections
    .filter(({ rows = [], pictures = [] }) => rows.length + pictures.length > 0)
    .map(
      ({ heading, text, rows = [], pictures = [] }) =>
        `<section>\n<h2>${escaped(heading)}</h2>\n` +
        (text ? `<p>${escaped(text)}</p>\n` : '') +
        (rows.length > 0
          ? `<table>\n${rows.map(([name, value]) => `<tr><th>${escaped(name)}</th><td>${escaped(value)}</td></tr>`).join('\n')}\n</table>\n`
          : '') +
        pictures
          .map(
            ([file, caption]) =>
              `<figure><a href="${escaped(encodeURI(file))}"><img src="${escaped(encodeURI(file))}" alt="${escaped(caption)}" loading="lazy"></a><figcaption>${escaped(caption)}</figcaption></figure>\n`,
          )
          .join('') +
        '</section>',
    )
    .join('\n');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 84rem; padding: 0 1rem; color: #222; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; border-bottom: 1px solid #ccc; }
table { border-collapse: collapse; } th { text-align: left; font-weight: normal; padding-right: 2rem; color: #555; }
td { font-variant-numeric: tabular-nums; } figure { margin: 1.5rem 0; } img { max-width: 100%; }
figcaption { color: #555; }
</style>
</head>
<body>
<h1>${escaped(title)}</h1>
${body}
</body>
</html>
`;
}

/** Five numbers of a list: least, lower quartile, median, upper quartile, greatest. */
export function quartiles(values: readonly number[]): readonly [number, number, number, number, number] {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
  return [at(0), at(0.25), at(0.5), at(0.75), at(1)];
}

function escaped(text: string): string {
  return text.replace(
    /[&<>"]/g,
    (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c] as string,
  );
}
