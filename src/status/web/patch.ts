/**
 * Makes the document what the page should be, and changes nothing that is so already: the place of scrolling, the
 * selection and what is being typed stay.
 */
import type { Child, VNode } from '../view/vnode.ts'

const svg = 'http://www.w3.org/2000/svg'

/** Makes the children of `parent` what they should be. */
export function patchChildren(parent: Element, wanted: readonly Child[]): void {
  const children = [...parent.childNodes]
  wanted.forEach((child, index) => {
    const old = children[index]
    if (old === undefined) parent.append(create(child, parent))
    else if (!patch(old, child)) old.replaceWith(create(child, parent))
  })
  for (const old of children.slice(wanted.length)) old.remove()
}

/** Answers whether the node could be made what it should be. */
function patch(node: ChildNode, wanted: Child): boolean {
  if (typeof wanted === 'string') {
    if (!(node instanceof Text)) return false
    if (node.data !== wanted) node.data = wanted
    return true
  }
  if (!(node instanceof Element) || node.localName !== wanted.tag) return false
  // Another chart is another element: what is in it is not known here.
  if (node.getAttribute('data-chart') !== (wanted.attrs['data-chart'] ?? null)) return false
  patchAttributes(node, wanted.attrs)
  if (!('data-keep' in wanted.attrs)) patchChildren(node, wanted.children)
  return true
}

function patchAttributes(element: Element, wanted: VNode['attrs']): void {
  for (const name of element.getAttributeNames()) if (!(name in wanted)) element.removeAttribute(name)
  for (const [name, value] of Object.entries(wanted)) {
    if (element.getAttribute(name) === value) continue
    element.setAttribute(name, value)
    // What is being typed is ahead of what is drawn.
    if (name === 'value' && element instanceof HTMLInputElement && element !== document.activeElement)
      element.value = value
  }
}

function create(wanted: Child, parent: Element): Node {
  if (typeof wanted === 'string') return document.createTextNode(wanted)
  const element =
    wanted.tag === 'svg' || parent.namespaceURI === svg
      ? document.createElementNS(svg, wanted.tag)
      : document.createElement(wanted.tag)
  patchAttributes(element, wanted.attrs)
  for (const child of wanted.children) element.append(create(child, element))
  return element
}
