/** Small charts as SVG: they are in the page from the beginning, with JavaScript or without. */
import { h, type VNode } from './vnode.ts'

/** So many steps are drawn; more would not be seen. */
const steps = 60
const width = 120
const height = 28

/** Largest of each step, so that a peak of one second is seen. */
function reduce(values: readonly number[], most: number): number[] {
  if (values.length <= most) return [...values]
  const size = values.length / most
  return Array.from({ length: most }, (_, index) =>
    Math.max(
      ...values.slice(
        Math.floor(index * size),
        Math.max(Math.floor((index + 1) * size), Math.floor(index * size) + 1),
      ),
    ),
  )
}

/** One line, filled below; `tone` names its colour in the style sheet. */
export function sparkline(values: readonly number[], tone: string, label: string): VNode {
  const shown = reduce(values, steps)
  const top = Math.max(...shown, 1e-9)
  const x = (index: number) => round((width * (steps - shown.length + index)) / (steps - 1))
  const y = (value: number) => round(height - 2 - (value / top) * (height - 4))
  const line = shown.map((value, index) => `${index === 0 ? 'M' : 'L'}${x(index)} ${y(value)}`).join('')
  const area = shown.length < 2 ? '' : `${line}L${width} ${height}L${x(0)} ${height}Z`
  return h(
    'svg',
    {
      class: `spark ${tone}`,
      viewBox: `0 0 ${width} ${height}`,
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': label,
    },
    shown.length > 1 && h('path', { class: 'area', d: area }),
    shown.length > 1 && h('path', { class: 'line', d: line }),
  )
}

/** Several lines in one field, for those without JavaScript: the browser puts a better chart in its place. */
export function plainChart(
  series: readonly { readonly tone: string; readonly values: readonly (number | null)[] }[],
): VNode {
  const all = series.flatMap(({ values }) => values.filter((each) => each !== null))
  const top = Math.max(...all, 1e-9)
  const lines = series.map(({ tone, values }) => {
    const x = (index: number) => round((600 * index) / Math.max(1, values.length - 1))
    let drawing = false
    const path = values.map((value, index) => {
      if (value === null) return ((drawing = false), '')
      const step = `${drawing ? 'L' : 'M'}${x(index)} ${round(176 - (value / top) * 170)}`
      drawing = true
      return step
    })
    return h('path', { class: `line ${tone}`, d: path.join('') })
  })
  return h(
    'svg',
    { class: 'plain', viewBox: '0 0 600 180', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    lines,
  )
}

const round = (value: number) => Math.round(value * 10) / 10
