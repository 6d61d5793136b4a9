/** The charts that move: one uPlot in each place that the page has for one. */
import { formatValue, type ChartSpec, type Series } from '../view/charts.ts'
import type { Point } from '../view/page-state.ts'

/** Points further apart, in seconds, are not joined by a line: nobody knows what was between. */
const gap = 3
const height = 190
/** Charts show so many seconds at least. */
const leastShown = 60
/** Between marks of time, in seconds. */
const steps = [5, 10, 15, 30, 60, 120]

interface Plot {
  readonly place: HTMLElement
  readonly key: string
  readonly plot: uPlot
}

/** A colour of the style sheet, as `rgb(…)`: its property names two, and only where one is used it is decided which. */
function colour(name: string): string {
  const probe = document.body.appendChild(document.createElement('i'))
  probe.style.color = `var(--${name})`
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}

function columns(points: readonly Point[], series: readonly Series[]): uPlot.AlignedData {
  const times: number[] = []
  const values: (number | null)[][] = series.map(() => [])
  let before = Number.POSITIVE_INFINITY
  for (const point of points) {
    if (point.at - before > gap) {
      times.push(before + 1)
      for (const each of values) each.push(null)
    }
    before = point.at
    times.push(point.at)
    series.forEach(({ value }, index) => values[index]?.push(value(point)))
  }
  return [times, ...values]
}

/** Keeps one plot for each chart of the page. */
export class Plots {
  readonly #plots = new Map<string, Plot>()
  readonly #resize = new ResizeObserver((entries) => {
    for (const { target } of entries) this.#fit(target as HTMLElement)
  })

  /** Draws all charts; `seconds` is the time that they show, up to the last point. */
  draw(root: Element, specs: readonly ChartSpec[], points: readonly Point[], seconds: number): void {
    const latest = points.at(-1)?.at ?? Date.now() / 1000
    // A page that was just opened shall not show nothing but an empty field.
    const earliest = Math.min(points[0]?.at ?? latest, latest - leastShown)
    for (const spec of specs) {
      const place = root.querySelector<HTMLElement>(`[data-chart="${spec.id}"]`)
      if (place === null) continue
      const { plot } = this.#plotOf(place, spec)
      plot.batch(() => {
        plot.setData(columns(points, spec.series), false)
        plot.setScale('x', { min: Math.max(latest - seconds, earliest), max: latest })
        plot.setScale('y', rangeOf(spec, points))
      })
    }
    const wanted = new Set(specs.map(({ id }) => id))
    for (const id of this.#plots.keys()) if (!wanted.has(id)) this.#drop(id)
  }

  #plotOf(place: HTMLElement, spec: ChartSpec): Plot {
    const key = JSON.stringify([spec.title, spec.series.map(({ label, tone }) => [label, tone])])
    const old = this.#plots.get(spec.id)
    if (old !== undefined && old.place === place && old.key === key) return old
    this.#drop(spec.id)
    place.replaceChildren()
    const made = { place, key, plot: new uPlot(optionsOf(spec, place.clientWidth), [[]], place) }
    this.#plots.set(spec.id, made)
    this.#resize.observe(place)
    return made
  }

  #fit(place: HTMLElement): void {
    for (const each of this.#plots.values()) {
      if (each.place !== place || place.clientWidth === 0) continue
      each.plot.setSize({ width: place.clientWidth, height })
    }
  }

  #drop(id: string): void {
    const old = this.#plots.get(id)
    if (old === undefined) return
    this.#resize.unobserve(old.place)
    old.plot.destroy()
    this.#plots.delete(id)
  }

  /** Colours have changed: all are made anew. */
  forget(): void {
    for (const id of this.#plots.keys()) this.#drop(id)
  }
}

/** From nothing to a little more than the largest; an empty chart has a scale, too. */
function rangeOf({ unit, series }: ChartSpec, points: readonly Point[]): { min: number; max: number } {
  if (unit === 'percent') return { min: 0, max: 100 }
  let top = 0
  let bottom = Number.POSITIVE_INFINITY
  for (const point of points) {
    for (const { value } of series) {
      const found = value(point) ?? 0
      top = Math.max(top, found)
      if (found > 0) bottom = Math.min(bottom, found)
    }
  }
  if (unit === 'ms') return wholeDecades(Math.min(bottom, 0.1), Math.max(top, 10))
  return { min: 0, max: Math.max(top * 1.12, unit === 'count' ? 4 : 1) }
}

/** Medians and the slowest are decades apart: their scale is logarithmic. */
function wholeDecades(bottom: number, top: number): { min: number; max: number } {
  return { min: 10 ** Math.floor(Math.log10(bottom)), max: 10 ** Math.ceil(Math.log10(top)) }
}

/** `14:03` on whole minutes, with seconds between. */
function formatTick(seconds: number): string {
  const time = new Date(seconds * 1000).toTimeString()
  return time.slice(0, seconds % 60 === 0 ? 5 : 8)
}

function optionsOf(spec: ChartSpec, width: number): uPlot.Options {
  const axis = {
    stroke: colour('faint'),
    grid: { stroke: colour('grid'), width: 1 },
    ticks: { show: false },
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
  }
  return {
    width: Math.max(width, 100),
    height,
    padding: [10, 8, 0, 0],
    cursor: { sync: { key: 'sluice' }, points: { size: 6 }, drag: { setScale: false, x: false, y: false } },
    legend: { show: false },
    scales: { x: { time: true, auto: false }, y: { auto: false, distr: spec.unit === 'ms' ? 3 : 1 } },
    axes: [
      { ...axis, size: 26, space: 80, incrs: steps, values: (_, ticks) => ticks.map(formatTick) },
      {
        ...axis,
        size: spec.unit === 'ms' ? 58 : 48,
        space: 36,
        values: (_, ticks) => ticks.map((tick) => formatMark(tick, spec.unit)),
      },
    ],
    series: [{}, ...spec.series.map((each) => seriesOptions(each, spec.series.length))],
    hooks: { setCursor: [(plot) => tip(plot, spec)] },
  }
}

/** Of a logarithmic scale the decades alone are told. */
function formatMark(tick: number | null, unit: ChartSpec['unit']): string {
  if (tick === null) return ''
  const decade = Math.log10(tick)
  if (unit === 'ms' && Math.abs(decade - Math.round(decade)) > 1e-6) return ''
  return formatValue(tick, unit)
}

function seriesOptions({ label, tone }: Series, count: number): uPlot.Series {
  const stroke = colour(tone)
  return {
    label,
    stroke,
    // One line alone may have its field; several would cover one another.
    ...(count === 1 ? { fill: stroke.replace(')', ', 0.15)') } : {}),
    width: 1.5,
    points: { show: false },
  }
}

/** What the values were where the pointer is; the other charts only show the line. */
function tip(plot: uPlot, spec: ChartSpec): void {
  const { over, cursor, data } = plot
  const old = over.querySelector('.tip')
  const { idx, left = 0 } = cursor
  if (idx === null || idx === undefined || !over.matches(':hover')) return old?.remove()
  const box = old ?? over.appendChild(document.createElement('div'))
  box.className = left > over.clientWidth / 2 ? 'tip left' : 'tip'
  const time = document.createElement('time')
  time.textContent = new Date((data[0][idx] ?? 0) * 1000).toTimeString().slice(0, 8)
  const lines = spec.series.map(({ label, tone }, index) => {
    const line = document.createElement('p')
    const dot = line.appendChild(document.createElement('i'))
    dot.className = `dot ${tone}`
    const value = document.createElement('b')
    value.textContent = formatValue(data[index + 1]?.[idx] ?? null, spec.unit)
    line.append(label, value)
    return line
  })
  box.replaceChildren(time, ...lines)
}
