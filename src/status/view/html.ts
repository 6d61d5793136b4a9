/** Text of elements: everything that is text is escaped, so nothing that comes from outside becomes markup. */
import type { Child } from './vnode.ts'

const withoutEnd = new Set(['input', 'link', 'meta', 'br', 'hr'])

/** HTML of an element. */
export function renderHtml(node: Child): string {
  if (typeof node === 'string') return escapeText(node)
  const attrs = Object.entries(node.attrs).map(([name, value]) => ` ${name}="${escapeText(value)}"`)
  const head = `<${node.tag}${attrs.join('')}>`
  if (withoutEnd.has(node.tag)) return head
  return `${head}${node.children.map(renderHtml).join('')}</${node.tag}>`
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (each) => escapes[each] ?? each)
}
