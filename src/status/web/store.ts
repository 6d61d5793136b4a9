/** What the page knows: the latest state, and points, which outlive a restart of what it looks at. */
import type { PageState, Point } from '../view/page-state.ts'

/** As many as the server has: nothing here grows with time. */
const most = 600

/** See the head of this file. */
export class Store {
  state: PageState | undefined
  points: readonly Point[] = []

  /** Takes what came; points that are known already count once. */
  add(state: PageState, points: readonly Point[]): void {
    const known = this.state === undefined ? [] : adapt(this.points, this.state, state)
    this.state = state
    const first = points[0]?.at ?? Number.POSITIVE_INFINITY
    // What is told again is told better: of a time when the page was hidden it has nothing.
    this.points = [...known.filter(({ at }) => at < first), ...points].slice(-most)
  }
}

/** Points name rows and verdicts by their place. After a restart, or with a new row, places may be others. */
function adapt(points: readonly Point[], before: PageState, after: PageState): readonly Point[] {
  const rows = places(names(before.rows), names(after.rows))
  const verdicts = places(values(before.verdicts), values(after.verdicts))
  if (rows === undefined && verdicts === undefined) return points
  return points.map((point) => ({
    ...point,
    rows: rows?.map((from) => point.rows[from] ?? { rate: 0, latency: null }) ?? point.rows,
    verdicts: verdicts?.map((from) => point.verdicts[from] ?? 0) ?? point.verdicts,
  }))
}

const names = (rows: PageState['rows']) => rows.map(({ name }) => name)
const values = (verdicts: PageState['verdicts']) => verdicts.map(({ value }) => value)

/** Where each of the later ones was; undefined when nothing has moved. */
function places(before: readonly string[], after: readonly string[]): number[] | undefined {
  if (before.every((name, index) => after[index] === name)) return undefined
  return after.map((name) => before.indexOf(name))
}
