/**
 * Log-format strings: text, `%alias`, `%{flags}alias`, `%[expression]` and `%%` (configuration.txt 8.2.6,
 * `parse_logformat_string` in src/log.c). They make log lines, header values, unique ids and bodies.
 */
import type { Word } from '../config/text/word.ts'
import { complain } from './build-context.ts'
import { toStr } from './cast.ts'
import type { CompileContext } from './context.ts'
import { checkNeeds, parseExpression } from './expression-compiler.ts'
import type { Expression } from './expression.ts'
import { didYouMean } from './hint.ts'
import type { AliasOptions } from './log-aliases.ts'
import { logAliasesByName } from './log-aliases.ts'
import type { LogFlags } from './log-encoding.ts'
import { encodeHeader, writeLogText, writeText } from './log-encoding.ts'
import type { Source } from './source.ts'
import { placeAt, sourceOf } from './source.ts'
import type { Stream } from './stream.ts'
import { textOf } from './value.ts'

/**
 * What the string is for: `log` lines merge spaces, write `-` for empty fields, and encode control characters as `#XX`;
 * `header` values (and bodies, locations, paths, FastCGI parameters) encode them as `%XX`; a `unique-id` merges spaces
 * and encodes; `plain` strings (variables, names of backends and servers) do nothing of this.
 */
export type LogFormatUse = 'log' | 'header' | 'unique-id' | 'plain'

/** A compiled log-format string. */
export interface LogFormat {
  /** As it was written. */
  readonly text: string
  /** The text when it is the same for every stream, so that nobody needs to evaluate it. */
  readonly constant: string | undefined
  /** Latin1 text. */
  readonly format: (stream: Stream) => string
}

/** Undefined is nothing at all, not even an empty field. */
type Part = string | ((stream: Stream) => string | undefined)

/** What stands for blanks where they are merged. */
const separator = Symbol('separator')

/** Compiles a word; undefined after complaints. */
export function compileLogFormat(
  word: Word,
  context: CompileContext,
  use: LogFormatUse,
): LogFormat | undefined {
  return new LogFormatParser(sourceOf(word), context, use).parse()
}

class LogFormatParser {
  readonly #source: Source
  readonly #context: CompileContext
  readonly #mergeSpaces: boolean
  readonly #use: LogFormatUse
  readonly #parts: (Part | typeof separator)[] = []
  #flags: LogFlags
  #literal = ''
  #at = 0

  constructor(source: Source, context: CompileContext, use: LogFormatUse) {
    this.#source = source
    this.#context = context
    this.#mergeSpaces = use === 'log' || use === 'unique-id'
    this.#flags = { quote: false, hex: false, escape: false, mandatory: use === 'log' }
    this.#use = use
  }

  parse(): LogFormat | undefined {
    const { text } = this.#source
    let right = true
    while (this.#at < text.length) {
      const char = text[this.#at]
      if (char === '%') right = this.#percent() && right
      else {
        this.#at++
        if (char === ' ' && this.#mergeSpaces) this.#push(separator)
        else this.#literal += char ?? ''
      }
    }
    this.#push(undefined)
    return right ? this.#finish() : undefined
  }

  #push(part: Part | typeof separator | undefined): void {
    if (this.#literal !== '') this.#parts.push(this.#literal)
    this.#literal = ''
    if (part !== undefined) this.#parts.push(part)
  }

  /** False after a complaint; the position moves on in any case. */
  #percent(): boolean {
    const { text } = this.#source
    const start = this.#at
    const next = text[start + 1]
    if (next === '%') {
      this.#literal += '%'
      this.#at += 2
      return true
    }
    const braces = /^%\{([^}]*)\}/.exec(text.slice(start))
    this.#at += braces === null ? 1 : braces[0].length
    const flags = braces === null ? this.#flags : withFlags(this.#flags, braces[1] ?? '')
    if (text[this.#at] === '[') return this.#expression(flags)
    const name = /^[A-Za-z0-9]+/.exec(text.slice(this.#at))?.[0] ?? ''
    this.#at += name.length
    if (name === '') return this.#malformed(start, next)
    return this.#alias(name, flags, start)
  }

  #malformed(start: number, next: string | undefined): boolean {
    // Before other characters HAProxy drops a lone percent sign.
    if (next !== undefined && next !== '{' && !/[0-9 \t]/.test(next)) return true
    const what = next === '{' ? 'flags without a closing brace or a name' : 'a lone percent sign'
    this.#complain(start, `${what} in a log-format string`, "write '%%' for a percent sign")
    return false
  }

  #expression(flags: LogFlags): boolean {
    const first = this.#at + 1
    const parsed = parseExpression(this.#source, first, this.#context)
    if (parsed === undefined) {
      // Whatever follows would only be misunderstood.
      this.#at = this.#source.text.length
      return false
    }
    const { expression, end } = parsed
    this.#at = end + 1
    if (this.#source.text[end] !== ']') {
      const found = this.#source.text[end]
      const message = found === undefined ? 'its end' : `'${found}'`
      this.#complain(end, `']' is missing behind '${expression.text}': ${message} was found`)
      this.#at = this.#source.text.length
      return false
    }
    this.#push(partWriters[this.#use](expression, flags))
    return checkNeeds(expression, this.#source, first, this.#context)
  }

  #alias(name: string, flags: LogFlags, start: number): boolean {
    if (name === 'o') {
      this.#push(undefined)
      this.#flags = flags
      return true
    }
    const alias = logAliasesByName.get(name)
    if (alias === undefined) {
      const hint = didYouMean(name, logAliasesByName.keys()) ?? "write '%%' for a percent sign"
      this.#complain(start, `'%${name}' is no log-format alias`, hint)
      return false
    }
    if (alias.httpOnly && this.#context.mode !== 'http') {
      this.#complain(start, `'%${name}' exists in HTTP mode only`)
      return false
    }
    const { hostname } = this.#context
    const options: AliasOptions = { flags, hostname }
    this.#push((stream) => alias.write(stream, options))
    return true
  }

  #complain(at: number, message: string, hint?: string): void {
    complain(this.#context, 'CFG_SAMPLE_LOG_FORMAT', placeAt(this.#source, at), message, hint)
  }

  #finish(): LogFormat {
    const { text } = this.#source
    const parts = this.#parts
    const [only] = parts
    const constant =
      parts.length === 0 ? '' : parts.length === 1 && typeof only === 'string' ? only : undefined
    if (constant !== undefined) return { text, constant, format: () => constant }
    return { text, constant, format: (stream) => join(parts, stream) }
  }
}

/**
 * Several separators are one space, and none is written at the beginning. An empty field counts as a field, so that
 * spaces stay on both sides of it (`last_isspace` in sess_build_logline, src/log.c).
 */
function join(parts: readonly (Part | typeof separator)[], stream: Stream): string {
  let out = ''
  let lastIsSpace = true
  for (const part of parts) {
    if (part === separator) {
      if (!lastIsSpace) out += ' '
      lastIsSpace = true
      continue
    }
    const text = typeof part === 'string' ? part : part(stream)
    if (text === undefined) continue
    out += text
    lastIsSpace = false
  }
  return out
}

type Write = (text: string | undefined, flags: LogFlags) => string

const part =
  (write: Write) =>
  ({ evaluate }: Expression, flags: LogFlags): Part =>
  (stream) => {
    const value = evaluate(stream)
    const text = value === undefined ? undefined : toStr(value)
    return write(text === undefined ? undefined : textOf(text), flags)
  }

const headerPart = part((text, flags) => (text === undefined ? '' : encodeHeader(text, flags)))

/** How `%[expression]` is written. */
const partWriters: Readonly<Record<LogFormatUse, ReturnType<typeof part>>> = {
  log: part(writeLogText),
  header: headerPart,
  'unique-id': headerPart,
  plain: part(writeText),
}

const flagNames: ReadonlyMap<string, keyof LogFlags> = new Map([
  ['Q', 'quote'],
  ['X', 'hex'],
  ['E', 'escape'],
  ['M', 'mandatory'],
])

/** `+Q,-X`: flags added and taken away; unknown ones are not looked at, as in HAProxy. */
function withFlags(flags: LogFlags, written: string): LogFlags {
  const changed = { ...flags }
  for (const each of written.split(',')) {
    const name = flagNames.get(each.slice(1))
    if (name !== undefined && /^[+-]/.test(each)) changed[name] = each.startsWith('+')
  }
  return changed
}
