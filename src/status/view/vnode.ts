/** Elements as plain values: the server makes text of them (html.ts), the browser its document (web/patch.ts). */

/** An element, or text. */
export type Child = VNode | string

/** One element. */
export interface VNode {
  readonly tag: string
  readonly attrs: Readonly<Record<string, string>>
  readonly children: readonly Child[]
}

/** What may be given as a child; undefined and false are none. */
export type ChildLike = Child | number | undefined | false | readonly ChildLike[]

/** Makes an element. Attributes that are undefined or false are left out, true is an empty one. */
export function h(
  tag: string,
  attrs: Readonly<Record<string, string | number | boolean | undefined>> = {},
  ...children: readonly ChildLike[]
): VNode {
  const given: Record<string, string> = {}
  for (const [name, value] of Object.entries(attrs)) {
    if (value === undefined || value === false) continue
    given[name] = value === true ? '' : String(value)
  }
  return { tag, attrs: given, children: flatten(children) }
}

function flatten(children: readonly ChildLike[]): Child[] {
  return children.flatMap((child): Child[] => {
    if (child === undefined || child === false) return []
    if (typeof child === 'number') return [String(child)]
    if (typeof child === 'string') return child === '' ? [] : [child]
    return 'tag' in child ? [child] : flatten(child)
  })
}
