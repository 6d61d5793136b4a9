/** Where a proxy accepts, and how many are there. */
import { formatCount } from './format.ts'
import type { PageState } from './page-state.ts'
import { empty, panel, scroll } from './panels.ts'
import { matches, type Ui } from './ui.ts'
import { h, type VNode } from './vnode.ts'

/** A line for each frontend. */
export function renderFrontends({ connections }: PageState, ui: Ui): VNode {
  const shown = connections.filter(({ profile, peers }) => matches(ui, profile, ...peers))
  const lines = shown.map(({ profile, peers, connections: count }) =>
    h(
      'tr',
      {},
      h('td', { class: 'words' }, h('b', {}, profile), h('span', { class: 'why' }, peers.join(', '))),
      h('td', { class: 'number' }, formatCount(count)),
    ),
  )
  const head = h(
    'tr',
    {},
    h('th', { scope: 'col' }, 'frontend'),
    h('th', { scope: 'col', class: 'number' }, 'connections'),
  )
  return panel(
    'Frontends',
    'connections of clients that are open now',
    lines.length === 0
      ? empty('None that the filter leaves.')
      : scroll(h('table', { class: 'wide' }, h('thead', {}, head), h('tbody', {}, lines))),
  )
}
