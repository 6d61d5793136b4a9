/** The tables of the page. Each shows what the filter leaves of it. */
import { toneOfVerdict } from './charts.ts'
import {
  capital,
  formatBytes,
  formatCount,
  formatDuration,
  formatMs,
  formatPercent,
  formatRate,
  formatTime,
  none,
} from './format.ts'
import type { PageState, Point, RowState } from './page-state.ts'
import { sparkline } from './spark.ts'
import { failedOf } from './tiles.ts'
import { formatUi, matches, type Ui } from './ui.ts'
import { h, type ChildLike, type VNode } from './vnode.ts'

function panel(title: string, help: string, ...children: readonly ChildLike[]): VNode {
  return h(
    'section',
    { class: 'panel', 'aria-label': title },
    h('header', {}, h('h2', help === '' ? {} : { title: help }, title)),
    children,
  )
}

const empty = (text: string) => h('p', { class: 'empty' }, text)

const scroll = (...children: readonly ChildLike[]) => h('div', { class: 'scroll' }, children)

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
  const title = `${capital(subject.row)}s`
  if (rows.length === 0) return panel(title, '', empty(`No ${subject.row} has a handler yet.`))
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

/** What the chosen variable was set to. */
export function renderVerdicts({ verdict, verdicts }: PageState, ui: Ui): VNode | undefined {
  if (verdict === null) return undefined
  const title = `Verdicts: ${verdict}`
  const help = 'values that answers have set this variable to'
  const shown = verdicts
    .map((each, index) => ({ ...each, index }))
    .filter(({ value }) => matches(ui, value))
    .toSorted((a, b) => b.count - a.count)
  if (shown.length === 0) return panel(title, help, empty('None yet.'))
  const lines = shown.map(({ value, count, share, index }) =>
    h(
      'tr',
      {},
      h(
        'th',
        { scope: 'row', class: 'name' },
        h('i', { class: `dot ${toneOfVerdict(value, index)}` }),
        value,
      ),
      h('td', { class: 'bar' }, bar(share, toneOfVerdict(value, index))),
      h('td', { class: 'number' }, formatPercent(share)),
      h('td', { class: 'number' }, formatCount(count)),
    ),
  )
  const head = h(
    'tr',
    {},
    h('th', { scope: 'col', class: 'name' }, 'value'),
    h('th', { scope: 'col', class: 'number', colspan: 2 }, 'last minute'),
    h('th', { scope: 'col', class: 'number' }, 'total'),
  )
  return panel(title, help, scroll(h('table', {}, h('thead', {}, head), h('tbody', {}, lines))))
}

function bar(part: number, tone: string): VNode {
  const width = Math.round(Math.min(1, Math.max(0, part)) * 1000) / 10
  return h(
    'svg',
    { class: `meter ${tone}`, viewBox: '0 0 100 6', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    h('rect', { class: 'track', width: 100, height: 6, rx: 1 }),
    h('rect', { class: 'fill', width, height: 6, rx: 1 }),
  )
}

/** Errors by code, in words. */
export function renderErrors({ errors }: PageState, ui: Ui): VNode {
  const title = 'Errors'
  const help = "by code; what HAProxy makes of it is the number that 'option set-on-error' gives"
  const shown = errors
    .filter(({ code, words, haproxy }) => matches(ui, code, words, haproxy))
    .toSorted((a, b) => b.count - a.count)
  if (shown.length === 0)
    return panel(
      title,
      help,
      empty(errors.length === 0 ? '✓ None since the start.' : 'None that the filter leaves.'),
    )
  const lines = shown.map(({ code, count, words, haproxy }) =>
    h(
      'tr',
      {},
      h('td', { class: 'number bad' }, formatCount(count)),
      h(
        'td',
        { class: 'words' },
        h('b', {}, words),
        h('code', {}, code),
        haproxy !== '' && h('span', { class: 'why' }, `HAProxy: ${haproxy}`),
      ),
    ),
  )
  return panel(title, help, scroll(h('table', { class: 'wide' }, h('tbody', {}, lines))))
}

/** Who is connected: a line for each thread or process of HAProxy. */
export function renderConnections({ connections, subject }: PageState, ui: Ui): VNode {
  const title = 'Connections'
  const help = 'by engine: one for each thread of HAProxy up to 3.0, one for each process later'
  const shown = connections.filter(({ engine, profile, peers }) => matches(ui, engine, profile, ...peers))
  if (connections.length === 0) {
    const where = subject.addresses.join(' or ')
    const hint = where === '' ? '' : ` HAProxy is expected at ${where}.`
    return panel(title, help, empty(`Nobody is connected.${hint}`))
  }
  if (shown.length === 0) return panel(title, help, empty('None that the filter leaves.'))
  const lines = shown.map(({ engine, profile, peers, connections: count, inFlight }) =>
    h(
      'tr',
      {},
      h(
        'td',
        { class: 'words' },
        h('b', {}, profile),
        h('code', { title: engine }, engine === '' ? 'no engine-id' : engine.slice(0, 8)),
        h('span', { class: 'why' }, `from ${peers.join(', ')}`),
      ),
      h('td', { class: 'number' }, formatCount(count)),
      h('td', { class: 'number' }, formatCount(inFlight)),
    ),
  )
  const head = h(
    'tr',
    {},
    h('th', { scope: 'col' }, 'engine'),
    h('th', { scope: 'col', class: 'number' }, 'open'),
    h('th', { scope: 'col', class: 'number' }, 'in flight'),
  )
  return panel(
    title,
    help,
    scroll(h('table', { class: 'wide' }, h('thead', {}, head), h('tbody', {}, lines))),
  )
}

const mark = (ok: boolean) => h('span', { class: ok ? 'mark ok' : 'mark bad' }, ok ? '✓' : '!')

/** Lists, databases, stores, and what must hold. */
export function renderData({ sources, checks }: PageState, ui: Ui): VNode {
  const shownChecks = checks.filter(
    ({ name, ok, detail }) => matches(ui, name, detail) && (!ui.trouble || !ok),
  )
  const shownSources = sources.filter(
    ({ name, ok, fields }) => matches(ui, name, ...Object.values(fields).map(String)) && (!ui.trouble || !ok),
  )
  const chips = shownChecks.map(({ name, ok, detail }) =>
    h('li', {}, mark(ok), h('span', {}, name), !ok && h('span', { class: 'bad' }, detail)),
  )
  const sourceLines = shownSources.map(({ name, ok, fields }) =>
    h(
      'tr',
      {},
      h('td', {}, mark(ok)),
      h('td', { class: 'words' }, h('b', {}, name), kindOf(fields), detailOf(fields)),
      h('td', { class: ok ? 'number' : 'number bad' }, ageOf(fields)),
    ),
  )
  return panel(
    'Data and readiness',
    'lists, databases and stores, and what /readyz asks',
    sourceLines.length > 0 && scroll(h('table', { class: 'wide' }, h('tbody', {}, sourceLines))),
    chips.length > 0 && h('ul', { class: 'chips' }, chips),
    sourceLines.length + chips.length === 0 && empty('None that the filter leaves.'),
  )
}

type Fields = PageState['sources'][number]['fields']

/** Shown by themselves; the others as name and value. */
const known = ['kind', 'ok', 'detail', 'ageSeconds', 'maxAgeSeconds', 'entries', 'latencyMs']

function kindOf(fields: Fields): ChildLike {
  const kind = fields['kind']
  return kind !== undefined && h('code', {}, String(kind))
}

function detailOf(fields: Fields): ChildLike {
  const { entries, latencyMs, detail } = fields as Partial<Record<string, string | number | boolean>>
  const parts = [
    typeof entries === 'number' ? `${formatCount(entries)} entries` : '',
    typeof latencyMs === 'number' && fields['ageSeconds'] !== undefined ? `${formatMs(latencyMs)} ms` : '',
    ...Object.entries(fields)
      .filter(([key]) => !known.includes(key))
      .map(([key, value]) => `${key} ${typeof value === 'number' ? formatRate(value) : String(value)}`),
    detail === undefined ? '' : String(detail),
  ].filter((each) => each !== '')
  return parts.length > 0 && h('span', { class: 'why' }, parts.join(' · '))
}

function ageOf(fields: Fields): ChildLike {
  const age = fields['ageSeconds']
  const most = fields['maxAgeSeconds']
  const latency = fields['latencyMs']
  if (typeof age !== 'number') return typeof latency === 'number' ? `${formatMs(latency)} ms` : none
  return [
    `${formatDuration(age)} old`,
    typeof most === 'number' && h('span', { class: 'why' }, `of ${formatDuration(most)}`),
  ]
}

/** Recent messages, if the list is on. */
export function renderRecent({ recent, subject }: PageState, ui: Ui): VNode | undefined {
  if (recent === null) return undefined
  const title = `Recent ${subject.row}s`
  const help = 'a few of each second; what is secret by its name is not shown'
  const items = (list: readonly { readonly name: string; readonly value: string }[]) =>
    list.map(({ name, value }) => h('span', { class: 'item' }, h('i', {}, name), '=', h('b', {}, value)))
  const shown = recent.filter(
    ({ row, status, args, actions }) =>
      matches(ui, row, status, ...[...args, ...actions].map(({ name, value }) => `${name}=${value}`)) &&
      (!ui.trouble || status !== 'ok') &&
      (ui.row === '' || row === ui.row),
  )
  if (shown.length === 0) return panel(title, help, empty('None yet, or none that the filter leaves.'))
  const lines = shown
    .slice(0, 100)
    .map(({ time, row, status, duration, args, actions }) =>
      h(
        'tr',
        {},
        h('td', { class: 'time' }, formatTime(time)),
        h('td', {}, h('b', {}, row), status !== 'ok' && h('span', { class: 'mark bad' }, status)),
        h('td', { class: 'items' }, items(args)),
        h('td', { class: 'items' }, actions.length === 0 ? 'no action' : items(actions)),
        h('td', { class: 'number' }, `${formatMs(duration)} ms`),
      ),
    )
  const head = ['time', subject.row, 'arguments', 'actions', 'took'].map((label) =>
    h('th', { scope: 'col', class: label === 'took' ? 'number' : undefined }, label),
  )
  return panel(
    title,
    help,
    scroll(h('table', { class: 'recent' }, h('thead', {}, h('tr', {}, head)), h('tbody', {}, lines))),
  )
}

/** The process, in one line. */
export function processLine({ process, subject }: PageState): string {
  const { pid, node, platform, uptimeSeconds, rssBytes, heapUsedBytes } = process
  return [
    `sluice ${subject.version}`,
    `Node.js ${node}`,
    platform,
    `process ${pid}`,
    `up ${formatDuration(uptimeSeconds)}`,
    `${formatBytes(rssBytes)}, heap ${formatBytes(heapUsedBytes)}`,
  ].join(' · ')
}
