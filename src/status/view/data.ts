/** Lists, databases and stores, and what must hold. */
import { formatCount, formatDuration, formatMs, formatRate, none } from './format.ts'
import type { PageState } from './page-state.ts'
import { panel, empty, scroll, mark } from './panels.ts'
import { matches, type Ui } from './ui.ts'
import { wordsOf } from './words.ts'
import { h, type ChildLike, type VNode } from './vnode.ts'

/** Lists, databases, stores, and what must hold. */
export function renderData(state: PageState, ui: Ui): VNode {
  const { sources, checks } = state
  const words = wordsOf(state)
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
    words.sources,
    words.sourcesHelp,
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
