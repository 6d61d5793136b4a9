/** The whole page, from what is known and what was chosen: the server renders it once, the browser every second. */
import { chartsOf, renderChart } from './charts.ts'
import { formatBytes, formatDuration } from './format.ts'
import type { PageState, Point } from './page-state.ts'
import { renderData } from './data.ts'
import { renderFrontends } from './frontends.ts'
import { renderRecent } from './recent-list.ts'
import { renderRows } from './rows.ts'
import { renderConnections, renderErrors, renderVerdicts } from './tables.ts'
import { renderTiles } from './tiles.ts'
import { formatUi, type Ui } from './ui.ts'
import { h, type ChildLike, type VNode } from './vnode.ts'

/** Whether the figures are fresh: `still` is a page without JavaScript. */
export type Freshness = 'live' | 'paused' | 'lost' | 'still'

/** The points that the chosen time has. */
export function pointsIn(points: readonly Point[], { minutes }: Ui): readonly Point[] {
  return points.slice(-minutes * 60)
}

/** Everything within `body`. */
export function renderPage(state: PageState, points: readonly Point[], ui: Ui, freshness: Freshness): VNode {
  const shown = pointsIn(points, ui)
  return h(
    'div',
    { id: 'page' },
    renderHead(state, ui, freshness),
    h(
      'main',
      {},
      renderTiles(state, shown),
      renderChosen(state, ui),
      h(
        'div',
        { class: 'charts' },
        chartsOf(state, ui).map((spec) => renderChart(spec, shown)),
      ),
      renderRows(state, shown, ui),
      h(
        'div',
        { class: 'columns' },
        renderVerdicts(state, ui),
        renderErrors(state, ui),
        state.subject.kind === 'proxy' ? renderFrontends(state, ui) : renderConnections(state, ui),
        renderData(state, ui),
      ),
      renderRecent(state, ui),
    ),
    renderFoot(state),
    ui.help && renderHelp(state),
  )
}

const gate: ChildLike = h(
  'svg',
  { class: 'logo', viewBox: '0 0 24 24', 'aria-hidden': 'true' },
  h('path', { class: 'gate', d: 'M4 3v18M20 3v18M4 7h16M9 7v5M15 7v5' }),
  h('path', { class: 'water', d: 'M4 15q2.7-2.4 5.3 0t5.4 0t5.3 0M4 19q2.7-2.4 5.3 0t5.4 0t5.3 0' }),
)

function renderHead(state: PageState, ui: Ui, freshness: Freshness): VNode {
  const { subject, ready, checks, process } = state
  const why = checks.filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`)
  const where = subject.addresses.join(', ')
  return h(
    'header',
    { class: 'top' },
    h(
      'div',
      { class: 'brand' },
      gate,
      h(
        'div',
        {},
        h('h1', {}, subject.name),
        h('p', {}, `sluice ${subject.kind} · ${where === '' ? 'listens nowhere yet' : where}`),
      ),
    ),
    h(
      'p',
      { class: ready ? 'pill ok' : 'pill bad', title: why.join('\n'), role: 'status' },
      ready ? '✓ ready' : `! not ready: ${why.join('; ')}`,
    ),
    h('p', { class: 'uptime' }, `up ${formatDuration(process.uptimeSeconds)}`),
    h('p', { class: `fresh ${freshness}` }, freshnessText(freshness)),
    renderControls(ui),
  )
}

function freshnessText(freshness: Freshness): string {
  if (freshness === 'live') return 'live'
  if (freshness === 'paused') return 'paused'
  return freshness === 'lost' ? 'no connection' : 'as of this moment'
}

const key = (name: string) => h('kbd', {}, name)

function renderControls(ui: Ui): VNode {
  const button = (act: string, label: string, title: string, pressed?: boolean) =>
    h(
      'button',
      {
        type: 'button',
        'data-act': act,
        title,
        'aria-pressed': pressed === undefined ? undefined : String(pressed),
      },
      label,
    )
  return h(
    'form',
    { class: 'controls', method: 'get', action: '.', role: 'search' },
    h('input', {
      type: 'search',
      name: 'q',
      value: ui.filter,
      placeholder: 'Filter  /',
      'aria-label': 'Filter',
      autocomplete: 'off',
      spellcheck: 'false',
    }),
    h(
      'a',
      {
        class: 'button',
        href: formatUi({ ...ui, trouble: !ui.trouble }),
        'data-ui': '',
        'aria-pressed': String(ui.trouble),
        title: 'only what is in trouble (p)',
      },
      'Trouble',
    ),
    h(
      'span',
      { class: 'group' },
      ([1, 5, 10] as const).map((minutes) =>
        h(
          'a',
          {
            class: 'button',
            href: formatUi({ ...ui, minutes }),
            'data-ui': '',
            'aria-pressed': String(ui.minutes === minutes),
            title: `charts show ${minutes} min`,
          },
          `${minutes} min`,
        ),
      ),
    ),
    h(
      'span',
      { class: 'group js' },
      button('pause', ui.paused ? '▶' : '❚❚', ui.paused ? 'go on (space)' : 'pause (space)', ui.paused),
      button('theme', '◐', 'dark or light (t)'),
      button('help', '?', 'keys (?)', ui.help),
    ),
    // Without JavaScript the form asks anew, and what else was chosen shall stay.
    [...new URLSearchParams(formatUi({ ...ui, filter: '' }))].map(([name, value]) =>
      h('input', { type: 'hidden', name, value }),
    ),
  )
}

/** Charts are about one row: which one, and the way back. */
function renderChosen({ subject }: PageState, ui: Ui): VNode | undefined {
  if (ui.row === '') return undefined
  return h(
    'p',
    { class: 'narrowed' },
    `Rate and latency of ${subject.row} `,
    h('b', {}, ui.row),
    h('a', { href: formatUi({ ...ui, row: '' }), 'data-ui': '', 'aria-label': 'show all again' }, ' ✕ all'),
  )
}

/** The process, in one line. */
function processLine({ process, subject }: PageState): string {
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

function renderFoot(state: PageState): VNode {
  const link = (path: string) => h('a', { href: path }, `/${path}`)
  return h(
    'footer',
    {},
    h('p', {}, processLine(state)),
    h(
      'p',
      {},
      ['stats.json', 'metrics', 'healthz', 'readyz'].map((path) => [link(path), ' ']),
    ),
    h('p', { class: 'snapshot' }, `snapshot ${state.id}`),
  )
}

function renderHelp({ controls }: PageState): VNode {
  const keys = [
    ['/', 'filter'],
    ['space', 'pause, go on'],
    ['p', 'only what is in trouble'],
    ['1 5 0', 'charts of 1, 5, 10 minutes'],
    ['t', 'dark, light'],
    ['esc', 'leave the filter, show all'],
    ['?', 'this'],
  ] as const
  return h(
    'dialog',
    { open: true, class: 'help', 'aria-label': 'Keys' },
    h('h2', {}, 'Keys'),
    h(
      'dl',
      {},
      keys.map(([name, what]) => [h('dt', {}, name.split(' ').map(key)), h('dd', {}, what)]),
    ),
    controls !== null && renderChanges(controls),
    h('button', { type: 'button', 'data-act': 'help' }, 'Close'),
  )
}

function renderChanges({ logLevel, recent }: NonNullable<PageState['controls']>): VNode {
  const levels = ['debug', 'info', 'warn', 'error']
  return h(
    'form',
    { class: 'changes' },
    h('h2', {}, 'Changes'),
    h(
      'p',
      {},
      h('label', {}, 'Token ', h('input', { type: 'password', name: 'token', autocomplete: 'off' })),
    ),
    logLevel !== null &&
      h(
        'p',
        {},
        'Log level ',
        h(
          'span',
          { class: 'group' },
          levels.map((level) =>
            h(
              'button',
              { type: 'button', 'data-act': `level ${level}`, 'aria-pressed': String(level === logLevel) },
              level,
            ),
          ),
        ),
      ),
    h(
      'p',
      {},
      'Recent messages ',
      h(
        'button',
        { type: 'button', 'data-act': recent ? 'trace off' : 'trace on', 'aria-pressed': String(recent) },
        recent ? 'on' : 'off',
      ),
    ),
    h('p', { class: 'said', role: 'status', 'data-keep': '' }),
  )
}
