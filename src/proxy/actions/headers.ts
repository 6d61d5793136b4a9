/** `set-header`, `add-header`, `del-header`: on the request or on the response, whichever is being processed. */
import type { HeaderMatch } from '../../config/index.ts'
import { isHeaderValue } from '../../http1/index.ts'
import type { HeaderList } from '../../http1/index.ts'
import { Flow } from '../plan/flow.ts'
import type { Format, RuleAction, RuleStream } from '../plan/rule.ts'

/** The headers that rules of the current phase work on. */
export function headersOf(stream: RuleStream): HeaderList | undefined {
  return stream.direction === 'request' ? stream.head?.headers : stream.responseHead?.headers
}

/** What may not stand in a header becomes a space: a variable can hold anything, line ends included. */
export function headerValue(text: string): string {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  return isHeaderValue(text) ? text : text.replace(/[\0-\x08\x0a-\x1f\x7f]/g, ' ')
}

/** Replaces all fields of that name by one at the end. */
export function setHeader(name: string, format: Format): RuleAction {
  return {
    type: 'set-header',
    run(stream) {
      const value = headerValue(format(stream))
      headersOf(stream)?.set(name, value)
      return Flow.Next
    },
  }
}

/** Adds a field at the end. */
export function addHeader(name: string, format: Format): RuleAction {
  return {
    type: 'add-header',
    run(stream) {
      const value = headerValue(format(stream))
      headersOf(stream)?.add(name, value)
      return Flow.Next
    },
  }
}

/** Whether a name, in lower case, is meant by `del-header`. */
export function nameMatcher(
  match: HeaderMatch,
  name: string,
  regex: RegExp | undefined,
): (key: string) => boolean {
  const wanted = name.toLowerCase()
  switch (match) {
    case 'str':
      return (key) => key === wanted
    case 'beg':
      return (key) => key.startsWith(wanted)
    case 'end':
      return (key) => key.endsWith(wanted)
    case 'sub':
      return (key) => key.includes(wanted)
    case 'reg':
      return (key) => regex?.test(key) === true
  }
}

/** Removes all fields whose name matches. */
export function delHeader(matches: (key: string) => boolean): RuleAction {
  return {
    type: 'del-header',
    run(stream) {
      headersOf(stream)?.deleteWhere(matches)
      return Flow.Next
    },
  }
}
