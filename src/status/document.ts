/** The page as the server renders it: complete, so that it is of use without JavaScript. */
import type { PageHistory } from './view/page-state.ts'
import { renderHtml } from './view/html.ts'
import { renderPage } from './view/page.ts'
import { parseUi } from './view/ui.ts'
import { h } from './view/vnode.ts'

/** Without JavaScript the page comes again after so many seconds. */
const reloadAfter = 5

/** The whole document, for the query of its URL. */
export function renderDocument({ state, points }: PageHistory, query: string): string {
  const { name, kind } = state.subject
  const head = h(
    'head',
    {},
    h('meta', { charset: 'utf-8' }),
    h('title', {}, `${name} · ${kind}`),
    h('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    h('meta', { name: 'color-scheme', content: 'dark light' }),
    h('link', { rel: 'icon', href: 'assets/web/icon.svg', type: 'image/svg+xml' }),
    h('link', { rel: 'stylesheet', href: 'assets/web/uPlot.min.css' }),
    h('link', { rel: 'stylesheet', href: 'assets/web/page.css' }),
    h('script', { src: 'assets/web/theme.js' }),
    h('script', { src: 'assets/web/uPlot.iife.min.js', defer: true }),
    h('script', { src: 'assets/web/app.js', type: 'module' }),
    h('noscript', {}, h('meta', { 'http-equiv': 'refresh', content: reloadAfter })),
  )
  const body = h('body', {}, renderPage(state, points, parseUi(query), 'still'))
  return `<!doctype html>\n${renderHtml(h('html', { lang: 'en' }, head, body))}\n`
}
