/** Recent messages, in a table. */
import { formatMs, formatTime } from './format.ts'
import type { PageState } from './page-state.ts'
import { panel, empty, scroll } from './panels.ts'
import { matches, type Ui } from './ui.ts'
import { h, type VNode } from './vnode.ts'

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
