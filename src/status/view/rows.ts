/** The messages, a line each. */
import { capital, formatCount, formatMs, formatRate } from './format.ts'
import type { PageState, Point, RowState } from './page-state.ts'
import { panel, empty, scroll } from './panels.ts'
import { sparkline } from './spark.ts'
import { failedOf } from './tiles.ts'
import { formatUi, matches, type Ui } from './ui.ts'
import { h, type VNode } from './vnode.ts'
import { wordsOf } from './words.ts'

interface Column {
  readonly key: string
  readonly label: string
  readonly help: string
  readonly value: (row: RowState) => number | string
}

const rowColumns: readonly Column[] = [
  { key: 'name', label: '', help: '', value: ({ name }) => name },
  { key: 'rate', label: 'rate /s', help: 'over the last ten seconds', value: ({ rate }) => rate },
  ...(['p50', 'p90', 'p99', 'p99.9'] as const).map((label, index) => ({
    key: `p${index}`,
    label,
    help: 'milliseconds, over the last minute',
    value: ({ latency }: RowState) => latency?.[index] ?? -1,
  })),
  {
    key: 'failed',
    label: 'failed',
    help: 'since the start; late results not counted',
    value: ({ failures }) => failedOf(failures),
  },
  { key: 'received', label: 'total', help: 'since the start', value: ({ received }) => received },
]

function sortRows(rows: readonly RowState[], sort: string): RowState[] {
  const down = sort.startsWith('-')
  const column = rowColumns.find(({ key }) => key === sort.replace('-', '')) ?? rowColumns[1]
  if (column === undefined) return [...rows]
  const order = (a: RowState, b: RowState) => {
    const [x, y] = [column.value(a), column.value(b)]
    return typeof x === 'string' ? x.localeCompare(String(y)) : x - Number(y)
  }
  return rows.toSorted((a, b) => (down ? -order(a, b) : order(a, b)))
}

/** The messages: a line each, with what its failures are. */
export function renderRows(state: PageState, points: readonly Point[], ui: Ui): VNode {
  const { rows, subject } = state
  const words = wordsOf(state)
  const title = capital(words.rows)
  if (rows.length === 0) return panel(title, '', empty(words.noRows))
  const shown = sortRows(rows, ui.sort).filter(
    (row) => matches(ui, row.name) && (!ui.trouble || failedOf(row.failures) > 0),
  )
  if (shown.length === 0) return panel(title, '', empty('None that the filter leaves.'))
  return panel(
    title,
    '',
    scroll(
      h(
        'table',
        { class: 'rows' },
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            rowColumns.map((column) => headCell(column, subject.row, ui)),
          ),
        ),
        h(
          'tbody',
          {},
          shown.map((row) => rowLine(row, rows.indexOf(row), points, ui)),
        ),
      ),
    ),
  )
}

function headCell({ key, label, help }: Column, rowName: string, ui: Ui): VNode {
  const sorted = ui.sort.replace('-', '') === key
  const down = ui.sort.startsWith('-')
  const next =
    sorted === down && key !== 'name' ? (sorted ? key : `-${key}`) : sorted && !down ? `-${key}` : key
  const sort = sorted ? next : key === 'name' ? key : `-${key}`
  return h(
    'th',
    {
      scope: 'col',
      class: key === 'name' ? 'name' : 'number',
      title: help === '' ? undefined : help,
      'aria-sort': sorted ? (down ? 'descending' : 'ascending') : undefined,
    },
    h('a', { href: formatUi({ ...ui, sort }), 'data-ui': '' }, label === '' ? rowName : label),
  )
}

function rowLine(row: RowState, index: number, points: readonly Point[], ui: Ui): VNode {
  const { name, rate, latency, received, failures } = row
  const chosen = ui.row === name
  const failed = failedOf(failures)
  const why = Object.entries(failures)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${reason} ${formatCount(count)}`)
  return h(
    'tr',
    { class: chosen ? 'chosen' : undefined },
    h(
      'th',
      { scope: 'row', class: 'name' },
      h('i', { class: `dot s${index % 6}` }),
      h(
        'a',
        { href: formatUi({ ...ui, row: chosen ? '' : name }), 'data-ui': '', title: 'show its charts alone' },
        name,
      ),
      why.length > 0 && h('span', { class: 'why' }, why.join(', ')),
    ),
    h(
      'td',
      { class: 'number rate' },
      sparkline(
        points.map((point) => point.rows[index]?.rate ?? 0),
        `s${index % 6}`,
        'rate',
      ),
      h('span', {}, formatRate(rate)),
    ),
    (latency ?? [undefined, undefined, undefined, undefined]).map((value) =>
      h('td', { class: 'number' }, formatMs(value)),
    ),
    h('td', { class: failed > 0 ? 'number bad' : 'number' }, formatCount(failed)),
    h('td', { class: 'number' }, formatCount(received)),
  )
}
