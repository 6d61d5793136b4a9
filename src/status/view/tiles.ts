/** The figures at the head of the page. */
import { capital, formatCount, formatMs, formatPercent, formatRate, none } from './format.ts'
import type { PageState, Point } from './page-state.ts'
import { sparkline } from './spark.ts'
import { h, type ChildLike, type VNode } from './vnode.ts'
import { wordsOf } from './words.ts'

interface Tile {
  readonly label: string
  readonly value: string
  readonly unit?: string
  readonly note: string
  readonly help: string
  readonly spark?: VNode
  readonly trouble?: boolean
}

function renderTile({ label, value, unit, note, help, spark, trouble }: Tile): VNode {
  const number: ChildLike = [h('b', {}, value), unit !== undefined && value !== none && h('small', {}, unit)]
  return h(
    'section',
    { class: trouble === true ? 'tile trouble' : 'tile', title: help },
    h('h2', {}, label),
    h('p', { class: 'figure' }, number),
    h('p', { class: 'note' }, note),
    spark,
  )
}

/** All figures; `points` is what charts show. */
export function renderTiles(state: PageState, points: readonly Point[]): VNode {
  const words = wordsOf(state)
  const { total, subject, inFlight, eventLoopLag, process, counters, connections } = state
  const [p50, p90, p99, p999] = total.latency ?? []
  const values = (read: (point: Point) => number) => points.map(read)
  const failed = failedOf(total.failures)
  const failing = points.slice(-60).reduce((sum, { failures }) => sum + failures, 0)
  const active = counters['connections']?.['active'] ?? 0
  return h(
    'div',
    { class: 'tiles' },
    [
      {
        label: capital(words.events),
        value: formatRate(total.rate),
        unit: '/s',
        note: `${formatCount(total.received)} since the start`,
        help: 'over the last ten seconds',
        spark: sparkline(
          values(({ rate }) => rate),
          's0',
          'rate',
        ),
      },
      {
        label: 'Median',
        value: formatMs(p50),
        unit: 'ms',
        note: `p90 ${formatMs(p90)} ms`,
        help: `latency of half of all ${words.events} of the last minute, at most`,
        spark: sparkline(
          values(({ latency }) => latency?.[0] ?? 0),
          'p0',
          'median',
        ),
      },
      {
        label: '99th percentile',
        value: formatMs(p99),
        unit: 'ms',
        note: `p99.9 ${formatMs(p999)} ms`,
        help: `latency of 99 of 100 ${words.events} of the last minute, at most`,
        spark: sparkline(
          values(({ latency }) => latency?.[2] ?? 0),
          'p2',
          '99th percentile',
        ),
      },
      {
        label: 'Failures',
        value: formatCount(failing),
        unit: 'last minute',
        note: `${formatCount(failed)} since the start`,
        help: words.failuresHelp,
        spark: sparkline(
          values(({ failures }) => failures),
          'bad',
          'failures',
        ),
        trouble: failing > 0,
      },
      {
        label: 'In flight',
        value: formatCount(inFlight),
        note: `${formatCount(active)} ${active === 1 ? 'connection' : 'connections'}${
          connections.length > 1 && subject.kind === 'agent' ? ` of ${connections.length} engines` : ''
        }`,
        help: `${words.inFlightHelp}, now`,
        spark: sparkline(
          values((point) => point.inFlight),
          's1',
          'in flight',
        ),
      },
      {
        label: 'Loop lag',
        value: formatMs(eventLoopLag.p99),
        unit: 'ms',
        note: `${formatPercent(process.cpu)} of a core`,
        help: `how late the event loop was in the last 10 to 20 s, 99th percentile; at worst ${formatMs(eventLoopLag.max)} ms`,
        spark: sparkline(
          values(({ busy }) => busy),
          's2',
          'event loop',
        ),
        trouble: eventLoopLag.p99 > 100,
      },
    ].map(renderTile),
  )
}

/** Late results were answered for already: they are not failures of their own. */
export function failedOf(failures: Readonly<Record<string, number>>): number {
  return Object.entries(failures).reduce((sum, [reason, count]) => (reason === 'late' ? sum : sum + count), 0)
}
