/** `set-path` and `set-query`: parts of the request target. */
import { Flow } from '../plan/flow.ts'
import type { Format, RuleAction } from '../plan/rule.ts'

/** A target in three pieces that, put together, give it back: `http://host`, `/path`, `?query`. */
export function splitTarget(target: string): { readonly origin: string; path: string; query: string } {
  const origin = /^[a-z]+:\/\/[^/?]*/i.exec(target)?.[0] ?? ''
  const rest = target.slice(origin.length)
  const mark = rest.indexOf('?')
  if (mark < 0) return { origin, path: rest, query: '' }
  return { origin, path: rest.slice(0, mark), query: rest.slice(mark) }
}

/** What a target cannot hold is percent-encoded: rules may put together anything. */
function encodeTarget(text: string): string {
  return text.replace(/[^\x21-\x22\x24-\x7e]/g, (char) => {
    return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
  })
}

/** Replaces the path and leaves the query. */
export function setPath(format: Format): RuleAction {
  return {
    type: 'set-path',
    run(stream) {
      const { head } = stream
      if (head === undefined) return Flow.Next
      const { origin, query } = splitTarget(head.target)
      const path = encodeTarget(format(stream))
      head.target = `${origin}${path.startsWith('/') || path === '*' ? path : `/${path}`}${query}`
      return Flow.Next
    },
  }
}

/** Replaces the query and leaves the path; an empty one removes the question mark, too. */
export function setQuery(format: Format): RuleAction {
  return {
    type: 'set-query',
    run(stream) {
      const { head } = stream
      if (head === undefined) return Flow.Next
      const { origin, path } = splitTarget(head.target)
      const query = encodeTarget(format(stream))
      head.target = `${origin}${path}${query === '' ? '' : `?${query}`}`
      return Flow.Next
    },
  }
}
