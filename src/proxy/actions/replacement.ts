/** `replace-*`: a regular expression, and a format whose `\1` to `\9` are what it found (`exp_replace` in src/regex.c). */
import type { Word } from '../../config/index.ts'
import { compileRegex, compileReplacement } from '../../sample/index.ts'
import type { Stream } from '../../sample/index.ts'
import type { ActionContext } from './context.ts'

/** What replaces a text as a whole; undefined when it does not match, or the replacement is malformed. */
export type Replacement = (text: string, stream: Stream) => string | undefined

type Template = (match: RegExpExecArray) => string

/** Undefined after complaints. The format is evaluated for each match, as in HAProxy. */
export function compileReplace(regex: Word, format: Word, context: ActionContext): Replacement | undefined {
  const pattern = compileRegex(regex.text)
  const write = context.format(format, 'header')
  if (typeof pattern === 'string') {
    context.error(regex.place, pattern)
    return undefined
  }
  // The same text again and again, unless something of the stream is in it.
  let last: { readonly text: string; readonly template: Template | string } | undefined
  return (text, stream) => {
    const match = pattern.exec(text)
    if (match === null) return undefined
    const source = write(stream)
    if (last?.text !== source) last = { text: source, template: compileReplacement(source) }
    return typeof last.template === 'string' ? undefined : last.template(match)
  }
}
