/** Which charts there are, and what is in them. */
import { capital, formatMs, formatRate, none } from './format.ts'
import { plainChart } from './spark.ts'
import type { PageState, Percentiles, Point } from './page-state.ts'
import type { Ui } from './ui.ts'
import { h, type VNode } from './vnode.ts'
import { wordsOf } from './words.ts'

/** One line of a chart. */
export interface Series {
  readonly label: string
  /** Its colour, in the style sheet. */
  readonly tone: string
  readonly value: (point: Point) => number | null
}

/** One chart. */
export interface ChartSpec {
  readonly id: string
  readonly title: string
  readonly unit: 'rate' | 'ms' | 'percent' | 'count'
  /** What it means, on hover. */
  readonly help: string
  readonly series: readonly Series[]
}

/** Colours that can be told apart, by who sees no red or no green, too. */
const mostSeries = 6

/** The charts of a page; `ui.row` narrows the first two. */
export function chartsOf(state: PageState, ui: Ui): ChartSpec[] {
  const row = state.rows.findIndex(({ name }) => name === ui.row)
  return [
    rateChart(state, row),
    latencyChart(state, row),
    state.verdict === null ? inFlightChart(state) : verdictChart(state, state.verdict),
    loopChart,
  ]
}

function rateChart(state: PageState, row: number): ChartSpec {
  const { rows } = state
  const all = rows.map(({ name, rate, received }, index) => ({ name, rate, received, index }))
  const shown =
    row >= 0
      ? all.filter(({ index }) => index === row)
      : all
          .toSorted((a, b) => b.rate - a.rate || b.received - a.received)
          .slice(0, mostSeries)
          .toSorted((a, b) => a.index - b.index)
  return {
    id: 'rate',
    title: `${capital(wordsOf(state).events)} per second`,
    unit: 'rate',
    help: rows.length > shown.length && row < 0 ? 'the busiest ones' : '',
    series: shown.map(({ name, index }) => ({
      label: name,
      tone: `s${index % mostSeries}`,
      value: (point) => point.rows[index]?.rate ?? null,
    })),
  }
}

const shownNames = ['p50', 'p90', 'p99', 'p99.9'] as const

function latencyChart(state: PageState, row: number): ChartSpec {
  const latencyOf = (point: Point): Percentiles =>
    row < 0 ? point.latency : (point.rows[row]?.latency ?? null)
  return {
    id: 'latency',
    title: 'Latency',
    unit: 'ms',
    help: wordsOf(state).latencyHelp,
    series: shownNames.map((label, index) => ({
      label,
      tone: `p${index}`,
      value: (point) => latencyOf(point)?.[index] ?? null,
    })),
  }
}

function verdictChart(state: PageState, verdict: string): ChartSpec {
  const { verdicts } = state
  const words = wordsOf(state)
  const shown = verdicts
    .map(({ value, count }, index) => ({ value, count, index }))
    .toSorted((a, b) => b.count - a.count)
    .slice(0, mostSeries)
  return {
    id: 'verdicts',
    title: `${words.verdicts} per second: ${verdict}`,
    unit: 'rate',
    help: words.verdictsHelp,
    series: shown.map(({ value, index }) => ({
      label: value,
      tone: toneOfVerdict(value, index),
      value: (point) => point.verdicts[index] ?? null,
    })),
  }
}

/** The usual words have the colours that one expects; any other has the next one. */
export function toneOfVerdict(value: string, index: number): string {
  if (/^(allow|allowed|pass|ok|good|true|1|2xx)$/i.test(value)) return 's2'
  if (/^(deny|denied|block|ban|reject|drop|bad|false|0|5xx)$/i.test(value)) return 'p3'
  return ['s0', 's1', 's3', 's4', 's5'][index % 5] ?? 's0'
}

function inFlightChart(state: PageState): ChartSpec {
  return {
    id: 'inflight',
    title: 'In flight',
    unit: 'count',
    help: wordsOf(state).inFlightHelp,
    series: [{ label: 'in flight', tone: 's0', value: ({ inFlight }) => inFlight }],
  }
}

const loopChart: ChartSpec = {
  id: 'loop',
  title: 'Event loop',
  unit: 'percent',
  help: 'the part of each second that the event loop has worked: at 100 % answers begin to wait',
  series: [{ label: 'busy', tone: 's2', value: ({ busy }) => busy * 100 }],
}

/** A value with its unit; the unit of rates and counts is in the title. */
export function formatValue(value: number | null, unit: ChartSpec['unit']): string {
  if (value === null) return none
  if (unit === 'ms') return `${formatMs(value)} ms`
  return unit === 'percent' ? `${formatRate(value)} %` : formatRate(value)
}

/** The frame of a chart, with a plain one in it: the browser replaces it. */
export function renderChart(spec: ChartSpec, points: readonly Point[]): VNode {
  const series = spec.series.map(({ tone, value }) => ({ tone, values: points.map(value) }))
  const latest = points.at(-1)
  const legend = spec.series.map(({ label, tone, value }) =>
    h(
      'li',
      {},
      h('i', { class: `dot ${tone}` }),
      h('span', {}, label),
      h('b', {}, latest === undefined ? '' : formatValue(value(latest), spec.unit)),
    ),
  )
  return h(
    'section',
    { class: 'panel chart', 'aria-label': spec.title },
    h(
      'header',
      {},
      h('h2', spec.help === '' ? {} : { title: spec.help }, spec.title),
      h('ul', { class: 'legend' }, legend),
    ),
    // What is in it belongs to the browser from the moment that there is a chart.
    h('div', { class: 'plot', 'data-chart': spec.id, 'data-keep': '' }, plainChart(series)),
  )
}
