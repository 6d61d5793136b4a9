/** One measured figure, and how figures are printed. */

/** `ok` says whether the bar is met; null when there is no bar, or nothing could be measured. */
export interface Figure {
  readonly case: string
  readonly figure: string
  readonly value: number | null
  readonly unit: string
  /** Such as `<= 1.2`; null when the figure is only told. */
  readonly bar: string | null
  readonly ok: boolean | null
  /** What it is compared with in the same run. */
  readonly peer: string | null
  /** Value divided by the peer's. */
  readonly ratio: number | null
}

/** A figure with an upper bar. */
export function atMost(name: string, figure: string, value: number, unit: string, bar: number): Figure {
  return { case: name, figure, value, unit, bar: `<= ${bar}`, ok: value <= bar, peer: null, ratio: null }
}

/** A figure with a lower bar. */
export function atLeast(name: string, figure: string, value: number, unit: string, bar: number): Figure {
  return { case: name, figure, value, unit, bar: `>= ${bar}`, ok: value >= bar, peer: null, ratio: null }
}

/** A figure that is only told. */
export function told(name: string, figure: string, value: number, unit: string): Figure {
  return { case: name, figure, value, unit, bar: null, ok: null, peer: null, ratio: null }
}

/** A case that cannot run here, and why. */
export function notRun(name: string, why: string): Figure {
  return {
    case: name,
    figure: `not run: ${why}`,
    value: null,
    unit: '',
    bar: null,
    ok: null,
    peer: null,
    ratio: null,
  }
}

function show(value: number | null): string {
  if (value === null) return '-'
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(3)))
}

/** All figures as a Markdown table. */
export function formatTable(figures: readonly Figure[]): string {
  const rows = figures.map((each) => [
    each.case,
    each.figure,
    show(each.value),
    each.unit,
    each.bar ?? '',
    each.ok === null ? '' : each.ok ? 'yes' : 'NO',
    each.peer === null ? '' : `${each.peer}: ${show(each.ratio)}x`,
  ])
  const head = ['case', 'figure', 'value', 'unit', 'bar', 'met', 'beside']
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join(
    '\n',
  )
}
