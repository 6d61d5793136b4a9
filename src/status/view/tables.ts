/** Verdicts, errors and connections. Each table shows what the filter leaves of it. */
import { toneOfVerdict } from './charts.ts'
import { formatCount, formatPercent } from './format.ts'
import type { PageState } from './page-state.ts'
import { panel, empty, scroll, bar } from './panels.ts'
import { matches, type Ui } from './ui.ts'
import { wordsOf } from './words.ts'
import { h, type VNode } from './vnode.ts'

/** What the chosen variable was set to. */
export function renderVerdicts(state: PageState, ui: Ui): VNode | undefined {
  const { verdict, verdicts } = state
  if (verdict === null) return undefined
  const { verdicts: name, verdictsHelp: help } = wordsOf(state)
  const title = `${name}: ${verdict}`
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

/** Errors by code, in words. */
export function renderErrors(state: PageState, ui: Ui): VNode {
  const { errors } = state
  const title = 'Errors'
  const { errorsHelp: help } = wordsOf(state)
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
