/** What `sluice bench` prints when it has ended. */
import type { Latency, LoadResult } from '../load/result.ts'

const counted = (number: number, noun: string, many = `${noun}s`) =>
  `${formatCount(number)} ${number === 1 ? noun : many}`

/** With a comma at each thousand. */
export function formatCount(number: number): string {
  return Math.round(number).toLocaleString('en-US')
}

/** Milliseconds with three figures behind the point: a microsecond is seen. */
export function formatMs(ms: number): string {
  return ms.toFixed(3)
}

const quantiles = ['min', 'p50', 'p75', 'p90', 'p99', 'p99.9', 'max', 'mean'] as const

/** The whole report. */
export function formatResult(result: LoadResult): string {
  return [
    headline(result),
    ...connectionLines(result),
    '',
    ...formatLatencies(result),
    '',
    ...formatHistogram(result.response),
    '',
    ...formatErrors(result),
    ...formatRemarks(result),
  ].join('\n')
}

function headline({ target, duration, counts, rate, stopped, loop }: LoadResult): string {
  const ended = stopped ? ', stopped early' : ''
  const open = loop === 'open' ? 'open loop' : 'closed loop'
  return `${target}: ${counted(counts.answers, 'answer')} in ${(duration / 1000).toFixed(1)} s, ${formatCount(rate)} a second, ${open}${ended}`
}

function connectionLines({ counts, cold }: LoadResult): string[] {
  const { connections, dropped, refused } = counts
  const lost = dropped === 0 ? '' : `, ${formatCount(dropped)} lost`
  const failed = refused === 0 ? '' : `, ${formatCount(refused)} attempts failed`
  const first =
    cold.count === 0
      ? ''
      : `; first answers of ${formatCount(cold.count)} ${cold.count === 1 ? 'new one' : 'new ones at once'} after ${formatMs(cold.p50)} ms (p50), ${formatMs(cold.max)} ms (max)`
  return [`${counted(connections, 'connection')} made${lost}${failed}${first}`]
}

function formatLatencies({ loop, response, service }: LoadResult): string[] {
  if (loop === 'closed') {
    const rows = quantiles.map((name) => [name, formatMs(service[name])])
    return [
      ...table([['answer after, ms', 'from the write'], ...rows]),
      'closed loop: whoever waits asks less, so a stall of the agent is in few of these times; with --rate it is in all that it delayed',
    ]
  }
  const rows = quantiles.map((name) => [name, formatMs(response[name]), formatMs(service[name])])
  return [
    ...table([['answer after, ms', 'from when it was due', 'from the write'], ...rows]),
    'they differ by how long exchanges waited to be written: clients wait for a connection with room, too, and the agent does not see it',
  ]
}

const barWidth = 40
/** Upper bounds of the rows, in milliseconds: 1, 2, 5 and their like. */
const rowBounds = [-2, -1, 0, 1, 2, 3, 4].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power))

function formatHistogram({ count, buckets }: Latency): string[] {
  if (count === 0) return []
  const rows = rowBounds.map((bound, row) => {
    const below = row === 0 ? 0 : (rowBounds[row - 1] ?? 0)
    const within = buckets.filter((bucket) => bucket.bound > below && bucket.bound <= bound)
    return { bound, count: within.reduce((sum, bucket) => sum + bucket.count, 0) }
  })
  const from = rows.findIndex((row) => row.count > 0)
  const to = rows.findLastIndex((row) => row.count > 0)
  const most = Math.max(...rows.map((row) => row.count))
  return table(
    rows.slice(from, to + 1).map((row) => {
      const share = `${((row.count * 100) / count).toFixed(2)}%`
      const bar = '#'.repeat(row.count === 0 ? 0 : Math.max(1, Math.round((row.count * barWidth) / most)))
      return [`<= ${Number(row.bound.toPrecision(2))} ms`, formatCount(row.count), share, bar]
    }),
    3,
  )
}

function formatErrors({ errors, counts, failures, firstWrong }: LoadResult): string[] {
  const { wrong, late, doubled, stray, lost, cut } = counts
  const total = counts.answers - wrong + errors
  const share = total === 0 ? 0 : (errors * 100) / total
  const rows: (readonly [number, string])[] = [
    ...failures.map(({ label, words, count }) => [count, `${label}  ${words}`] as const),
    [wrong, `wrong  ${firstWrong ?? 'an answer without what was expected'}`],
    [late, 'late  answers came when they had been given up'],
    [lost, 'lost  sent, given up, and never answered'],
    [doubled, 'doubled  second answers to one exchange'],
    [stray, 'stray  answers to what was never asked there'],
    [cut, 'cut  by our own --reset or --garbage, not counted as errors'],
  ]
  const shown = rows.filter(([count]) => count > 0)
  return [
    errors === 0 ? 'no errors' : `${counted(errors, 'error')} (${share.toFixed(share < 0.1 ? 4 : 2)} %)`,
    ...shown.map(([count, words]) => `  ${formatCount(count).padStart(9)}  ${words}`),
  ]
}

/** What a reader has to know before the numbers are believed. */
function formatRemarks({ ownCpu, lag, loop, counts }: LoadResult): string[] {
  const { garbage, garbageNoticed } = counts
  return [
    ...(garbage === 0
      ? []
      : [
          `garbage was sent ${counted(garbage, 'time')}, and ended its connection ${counted(garbageNoticed, 'time')} within a second`,
        ]),
    ...(loop === 'open' && lag.p99 > 1
      ? [
          `the load generator itself was late: p99 ${formatMs(lag.p99)} ms, ${formatMs(lag.max)} ms at most; others have had its core, or it cannot do so much`,
        ]
      : []),
    // An open loop turns all the time, to be on time.
    ...(loop === 'closed' && ownCpu > 0.9
      ? ['the load generator was busy all the time: the agent may be faster than this']
      : []),
  ]
}

/** The first column to the left, the others to the right, but for those from `left` on. */
export function table(rows: readonly (readonly string[])[], left = Infinity): string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length)
  }
  return rows.map((row) =>
    row
      .map((cell, at) =>
        at === 0 || at >= left ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  )
}
