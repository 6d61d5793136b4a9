/** What the parts of the page are made of. */
import { h, type ChildLike, type VNode } from './vnode.ts'

/** A part of the page, with its title and what that means on hover. */
export function panel(title: string, help: string, ...children: readonly ChildLike[]): VNode {
  return h(
    'section',
    { class: 'panel', 'aria-label': title },
    h('header', {}, h('h2', help === '' ? {} : { title: help }, title)),
    children,
  )
}

/** What stands where there is nothing. */
export const empty = (text: string) => h('p', { class: 'empty' }, text)

/** What may be too wide for a phone. */
export const scroll = (...children: readonly ChildLike[]) => h('div', { class: 'scroll' }, children)

/** Well or not, in a sign and in colour. */
export const mark = (ok: boolean) => h('span', { class: ok ? 'mark ok' : 'mark bad' }, ok ? '✓' : '!')

/** A share as a bar. */
export function bar(part: number, tone: string): VNode {
  const width = Math.round(Math.min(1, Math.max(0, part)) * 1000) / 10
  return h(
    'svg',
    { class: `meter ${tone}`, viewBox: '0 0 100 6', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    h('rect', { class: 'track', width: 100, height: 6, rx: 1 }),
    h('rect', { class: 'fill', width, height: 6, rx: 1 }),
  )
}
