/** Actions on headers: those of the request or of the response, whichever is being processed. */
import type { HeaderAction, HeaderMatch } from '../../config/index.ts'
import { HeaderList } from '../../http1/index.ts'
import { compileRegex } from '../../sample/index.ts'
import { Flow } from '../plan/flow.ts'
import type { Format, RuleAction, RuleStream } from '../plan/rule.ts'
import type { ActionCompilers, ActionContext } from './context.ts'
import { checkHeaderName, headerValue } from './header-text.ts'
import { compileReplace } from './replacement.ts'

type ActionOf<Type extends HeaderAction['type']> = Extract<HeaderAction, { readonly type: Type }>
type SetAction = Extract<HeaderAction, { readonly type: 'set-header' | 'add-header' | 'early-hint' }>
type ReplaceAction = Extract<HeaderAction, { readonly type: 'replace-header' | 'replace-value' }>

/** The headers that rules of the current phase work on. */
function headersOf(stream: RuleStream): HeaderList | undefined {
  return stream.direction === 'request' ? stream.head?.headers : stream.responseHead?.headers
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
function addHeader(name: string, format: Format): RuleAction {
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
function nameMatcher(match: HeaderMatch, name: string, regex: RegExp | undefined): (key: string) => boolean {
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
function delHeader(matches: (key: string) => boolean): RuleAction {
  return {
    type: 'del-header',
    run(stream) {
      headersOf(stream)?.deleteWhere(matches)
      return Flow.Next
    },
  }
}

/** HAProxy puts the hints of rules that follow one another into one response, when all of them apply. */
function compileHint(action: SetAction, context: ActionContext): RuleAction | undefined {
  const format = context.format(action.format, 'header')
  if (!checkHeaderName(action.name, context)) return undefined
  return {
    type: 'early-hint',
    run(stream) {
      const headers = HeaderList.from([[action.name.text, headerValue(format(stream))]])
      const head = {
        minor: 1,
        status: 103,
        reason: 'Early Hints',
        headers,
        framing: 0,
        connection: 0,
      } as const
      stream.inform({ ...head, upgrade: undefined })
      return Flow.Next
    },
  }
}

function compileSet(action: SetAction, context: ActionContext): RuleAction | undefined {
  const format = context.format(action.format, 'header')
  if (!checkHeaderName(action.name, context)) return undefined
  const make = action.type === 'set-header' ? setHeader : addHeader
  return make(action.name.text, format)
}

function compileDel(action: ActionOf<'del-header'>, context: ActionContext): RuleAction | undefined {
  const { name, match } = action
  const regex = match === 'reg' ? compileRegex(name.text, { ignoreCase: true }) : undefined
  if (typeof regex === 'string') {
    context.error(name.place, regex)
    return undefined
  }
  return delHeader(nameMatcher(match, name.text, regex))
}

/** Gives every field of that name what `change` makes of its value. */
function changeValues(headers: HeaderList, key: string, change: (value: string) => string | undefined): void {
  for (let at = 0; at < headers.length; at++) {
    if (headers.fields[at]?.key !== key) continue
    const value = headers.values[at] as string // the arrays have one length
    const changed = change(value)
    if (changed !== undefined && changed !== value) headers.replace(at, headerValue(changed))
  }
}

/** Where the value that begins at `from` ends: at a comma that no quotes hide (`http_find_hdr_value_end`). */
function valueEnd(line: string, from: number): number {
  let quoted = false
  for (let at = from; at < line.length; at++) {
    const char = line[at]
    if (quoted && char === '\\') at++
    else if (char === '"') quoted = !quoted
    else if (char === ',' && !quoted) return at
  }
  return line.length
}

/** Changes the values between the commas of a line. What is changed loses the blanks around it. */
function changeListed(line: string, change: (value: string) => string | undefined): string {
  let out = ''
  for (let from = 0; ;) {
    const end = valueEnd(line, from)
    const piece = line.slice(from, end)
    const value = piece.trim()
    out += value === '' ? piece : (change(value) ?? piece)
    if (end === line.length) return out
    out += ','
    from = end + 1
  }
}

function compileReplaceHeader(action: ReplaceAction, context: ActionContext): RuleAction | undefined {
  const replace = compileReplace(action.regex, action.format, context)
  if (replace === undefined) return undefined
  const key = action.name.text.toLowerCase()
  const listed = action.type === 'replace-value'
  return {
    type: action.type,
    run(stream) {
      const headers = headersOf(stream)
      if (headers === undefined) return Flow.Next
      const change = (value: string) => replace(value, stream)
      changeValues(headers, key, listed ? (line) => changeListed(line, change) : change)
      return Flow.Next
    },
  }
}

/** All of them. */
export const headerCompilers: ActionCompilers<HeaderAction> = {
  'set-header': compileSet,
  'add-header': compileSet,
  'early-hint': compileHint,
  'del-header': compileDel,
  'replace-header': compileReplaceHeader,
  'replace-value': compileReplaceHeader,
}
