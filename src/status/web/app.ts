/** The page in the browser: takes what the server says, what keys and clicks say, and draws. */
import { chartsOf } from '../view/charts.ts'
import { pointsIn, renderPage, type Freshness } from '../view/page.ts'
import { formatUi, parseUi, type Ui } from '../view/ui.ts'
import { patchChildren } from './patch.ts'
import { Plots } from './plots.ts'
import { Store } from './store.ts'
import { Stream, type Update } from './stream.ts'

const root = document.body
const store = new Store()
const plots = new Plots()
/** Updates that a paused page keeps for later: as long as its charts at most. */
const mostWaiting = 600
let ui = parseUi(location.search)
let freshness: Freshness = 'lost'
let waiting: Update[] = []

const stream = new Stream(
  (update) => {
    freshness = ui.paused ? 'paused' : 'live'
    if (ui.paused) waiting = [...waiting, update].slice(-mostWaiting)
    else store.add(update.state, update.points)
    draw()
  },
  () => {
    freshness = 'lost'
    draw()
  },
)

let asked = false

/** Draws with the next frame, once, whatever has happened until then. */
function draw(): void {
  if (asked) return
  asked = true
  requestAnimationFrame(() => {
    asked = false
    const { state, points } = store
    if (state === undefined) return
    patchChildren(root, [renderPage(state, points, ui, freshness)])
    plots.draw(root, chartsOf(state, ui), pointsIn(points, ui), ui.minutes * 60)
    document.title = `${state.ready ? '' : '! '}${state.subject.name} · ${state.subject.kind}`
  })
}

function choose(change: Partial<Ui>): void {
  ui = { ...ui, ...change }
  history.replaceState(null, '', formatUi(ui) === '?' ? location.pathname : formatUi(ui))
  draw()
}

function pause(paused: boolean): void {
  if (!paused) for (const { state, points } of waiting) store.add(state, points)
  waiting = []
  if (freshness !== 'lost') freshness = paused ? 'paused' : 'live'
  choose({ paused })
}

function switchTheme(): void {
  const { dataset } = document.documentElement
  const dark = matchMedia('(prefers-color-scheme: dark)').matches
  const next = (dataset['theme'] ?? (dark ? 'dark' : 'light')) === 'dark' ? 'light' : 'dark'
  dataset['theme'] = next
  try {
    localStorage.setItem('sluice-theme', next)
  } catch {
    // It is forgotten, then.
  }
  plots.forget()
  draw()
}

async function change(path: string, body: object): Promise<void> {
  const token = root.querySelector<HTMLInputElement>('input[name=token]')?.value ?? ''
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  }).catch(() => undefined)
  const said = root.querySelector('.said')
  if (said === null) return
  said.textContent =
    response === undefined ? 'no connection' : response.ok ? 'done' : (await response.text()).trim()
}

function act(name: string): void {
  const [verb = '', word = ''] = name.split(' ')
  if (verb === 'pause') pause(!ui.paused)
  else if (verb === 'theme') switchTheme()
  else if (verb === 'help') choose({ help: !ui.help })
  else if (verb === 'level') void change('log-level', { level: word })
  else if (verb === 'trace') void change('trace', { on: word === 'on' })
}

const filterField = () => root.querySelector<HTMLInputElement>('input[name=q]')

const keys: Readonly<Record<string, () => void>> = {
  '/': () => filterField()?.focus(),
  ' ': () => pause(!ui.paused),
  p: () => choose({ trouble: !ui.trouble }),
  t: switchTheme,
  '?': () => choose({ help: !ui.help }),
  '1': () => choose({ minutes: 1 }),
  '5': () => choose({ minutes: 5 }),
  '0': () => choose({ minutes: 10 }),
}

document.addEventListener('keydown', (event) => {
  const typing = event.target instanceof HTMLInputElement ? event.target : undefined
  if (event.key === 'Escape') {
    if (typing?.name === 'q') typing.value = ''
    typing?.blur()
    return choose(ui.help ? { help: false } : { filter: '', row: '', trouble: false })
  }
  const deed = keys[event.key]
  if (typing !== undefined || deed === undefined || event.ctrlKey || event.metaKey || event.altKey) return
  // The space would press the button that has the focus, too.
  event.preventDefault()
  deed()
})

document.addEventListener('click', (event) => {
  if (!(event.target instanceof Element)) return
  const button = event.target.closest<HTMLElement>('[data-act]')
  if (button !== null) return act(button.dataset['act'] ?? '')
  const link = event.target.closest<HTMLAnchorElement>('a[data-ui]')
  if (link === null || event.ctrlKey || event.metaKey || event.shiftKey) return
  event.preventDefault()
  const { paused, help } = ui
  choose({ ...parseUi(new URL(link.href).search), paused, help })
})

document.addEventListener('input', ({ target }) => {
  if (target instanceof HTMLInputElement && target.name === 'q') choose({ filter: target.value })
})

document.addEventListener('submit', (event) => event.preventDefault())

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  plots.forget()
  draw()
})

// Nobody looks at a page that is hidden: what it misses comes when it is shown again.
document.addEventListener('visibilitychange', () => {
  if (document.hidden) stream.close()
  else stream.open()
})
stream.open()
