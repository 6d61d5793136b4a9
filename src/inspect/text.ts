/** Entries as lines for people: one for a frame, one for each message or action below it, one for what is wrong. */
import type { Detail, Entry, Finding, FrameEntry, NamedValue, Severity, Side } from './entry.ts'
import { isMasked } from './mask.ts'
import { formatMs } from './rules.ts'

/** How much is shown. */
export interface TextOptions {
  /** Characters of a value; what is longer is cut. */
  readonly longestValue: number
  /** Whether findings are in colour. */
  readonly colour: boolean
  /** Whether the source of each finding is shown. */
  readonly sources: boolean
}

const indent = ' '.repeat(20)
const marks: Readonly<Record<Severity, string>> = { error: '!!', warning: '! ', note: '- ' }
const colours: Readonly<Record<Severity, string>> = { error: '31', warning: '33', note: '2' }

/** Controls, and marks that turn the direction of text. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const unsafe = /[\0-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

function safe(line: string): string {
  return line.replace(unsafe, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The lines of an entry, without line feeds. A terminal finds nothing in them that it would obey, or reorder. */
export function formatEntry(entry: Entry, options: TextOptions): string[] {
  const head = `${formatTime(entry.time)} #${String(entry.connection).padEnd(3)} `
  const findings = entry.findings.map((each) => formatFinding(each, options))
  switch (entry.kind) {
    case 'open':
      return [`${head}  connection ${entry.client} -> ${entry.server}`, ...findings]
    case 'end':
      return [`${head}${arrow(entry.from)} ${entry.how === 'fin' ? 'end' : 'reset'}`, ...findings]
    case 'broken':
      return [`${head}${arrow(entry.from)} ${entry.bytes.length} bytes, ${entry.sample}...`, ...findings]
    case 'gap':
      return [`${head}${arrow(entry.from)} ... ${entry.size} bytes are not in the capture`, ...findings]
    case 'silence':
      return [`${head}  ...`, ...findings]
    case 'frame':
      return [
        `${head}${arrow(entry.from)} ${frameLine(entry, options)}`,
        ...detailLines(entry, options),
        ...findings,
      ]
  }
}

/** Local time of day, with milliseconds. */
function formatTime(time: number): string {
  const date = new Date(time)
  const two = (value: number) => String(value).padStart(2, '0')
  const ms = String(date.getMilliseconds()).padStart(3, '0')
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`
}

/** `>` is what the client sends, `<` what it gets. */
const arrow = (from: Side) => (from === 'client' ? '>' : '<')

function frameLine(entry: FrameEntry, options: TextOptions): string {
  const { name, ids, size, flags, after, details } = entry
  const notable = flags.join() === 'FIN' ? [] : flags
  const flagText = entry.protocol === 'spop' && flags.length === 0 ? ['no FIN'] : notable
  const values = details.flatMap((detail) => (isInline(detail) ? formatValues(detail.values, options) : []))
  const line = [
    name,
    ...(ids === undefined ? [] : [ids]),
    `${size} bytes`,
    ...(after === undefined ? [] : [`after ${formatMs(after)}`]),
    ...flagText,
    ...values,
  ]
  return safe(line.join('  '))
}

/** What is short enough to stand behind the name of the frame. */
const isInline = ({ kind }: Detail) => kind === 'values' || kind === 'fragment'

function detailLines({ details }: FrameEntry, options: TextOptions): string[] {
  return details
    .filter((each) => !isInline(each))
    .flatMap((each) =>
      isList(each) ? formatValues(each.values, options, true) : [formatDetail(each, options)],
    )
    .map((line) => safe(`${indent}${line}`))
}

/** What has a line for each value. */
const isList = ({ kind }: Detail) => kind === 'params' || kind === 'head'

function formatDetail({ kind, name, values }: Detail, options: TextOptions): string {
  const text = formatValues(values, options).join(' ')
  if (kind === 'set-var') return `${kind} ${printable(name)} = ${text}`
  return [kind, printable(name), text].filter((each) => each !== '').join(' ')
}

function formatValues(values: readonly NamedValue[], options: TextOptions, isText = false): string[] {
  return values.map(({ name, type, value, headers }) => {
    // Parameters of FastCGI, and lines of a head, are text: it need not be said.
    const kind = type === 'null' || isText ? '' : `${type} `
    const shown =
      headers === undefined ? formatValue(type, value, options.longestValue) : formatHeaders(headers, options)
    return name === '' ? `${kind}${shown}` : `${printable(name)}=${kind}${shown}`
  })
}

function formatHeaders(headers: NonNullable<NamedValue['headers']>, { longestValue }: TextOptions): string {
  const lines = headers.map(([name, value]) => `${name}: ${formatValue('string', value, longestValue)}`)
  return `{${lines.join(', ')}}`
}

function formatValue(type: string, value: NamedValue['value'], longest: number): string {
  if (typeof value !== 'string') return value === null ? 'null' : String(value)
  if (isMasked(value)) return `(hidden, ${value.length} characters)`
  const cut = value.length > longest
  const text = cut ? value.slice(0, longest) : value
  const rest = cut ? `... (${type === 'binary' ? value.length / 2 : value.length})` : ''
  if (type === 'binary') return `0x${text}${rest}`
  return type === 'string' ? `${JSON.stringify(text)}${rest}` : `${text}${rest}`
}

/** A terminal obeys control characters; names come from the wire. */
function printable(name: string): string {
  return /^[\x21-\x7e]*$/.test(name) ? name : JSON.stringify(name)
}

function formatFinding({ severity, text, source }: Finding, { colour, sources }: TextOptions): string {
  const line = safe(`${marks[severity]} ${text}${sources ? `  [${source}]` : ''}`)
  return `${indent}${colour ? `\u001b[${colours[severity]}m${line}\u001b[0m` : line}`
}
