/** What HAProxy 2.6 lets pass where sluice does not. */
import type { Diagnostic } from '../config/index.ts'
import type { SourceLine } from './source-line.ts'

const asNumber = 'HAProxy reads as much of it as is a number'
/** The reason for words that are passed over. */
export const unseen = 'HAProxy does not look at it'

/** Complaints that HAProxy 2.6 does not make. */
interface Tolerance {
  readonly code: string
  /** Of the line, its words with one blank between. */
  readonly line: RegExp
  /** Of what stands at the place of the complaint; undefined: whatever it is. */
  readonly at?: RegExp
  /** Of the message; undefined: whatever it says. */
  readonly says?: RegExp
  /** What HAProxy does instead. */
  readonly reason: string
}

const tolerated: readonly Tolerance[] = [
  {
    code: 'CFG_ARGUMENT',
    line: /^(?:maxconn|retries|fullconn|maxconnrate|maxerrrate|backlog) \S+$|^option redispatch \S+( \S+)?$/,
    reason: asNumber,
  },
  { code: 'CFG_ARGUMENT', line: /^capture re\w+ header \S+ len \S+$/, reason: asNumber },
  {
    code: 'CFG_ARGUMENT',
    line: /^max-waiting-frames -?[1-9]/,
    reason: 'HAProxy reads it as a number without a sign',
  },
  {
    code: 'CFG_ARGUMENT',
    line: /^(?:server|default-server) .*(?:weight|maxconn) [^\d-]/,
    reason: asNumber,
  },
  {
    code: 'CFG_ARGUMENT',
    line: /^(?:server|default-server) .*(?:maxconn|maxqueue|minconn|port) -?\S/,
    says: /^'(?:maxconn|maxqueue|minconn|port)'/,
    reason: asNumber,
  },
  {
    code: 'CFG_ARGUMENT',
    line: /\b(?:rise|fall|len) \d+|^option max-reqs -?\d+$/,
    at: /^-?[1-9]\d+$/,
    says: /^'(?:rise|fall|declare capture re\w+|http-re\w+ capture|option max-reqs)'/,
    reason: asNumber,
  },
  { code: 'CFG_ARGUMENT', line: /^option max-reqs -\d+$/, reason: 'HAProxy takes it' },
  { code: 'CFG_ARGUMENT', line: /^balance random\(\d+\)./, reason: asNumber },
  { code: 'CFG_SAMPLE_ACL', line: /\d/, at: /^\d+[^\d:]/, says: /is neither a number/, reason: asNumber },
  {
    code: 'CFG_ARGUMENT_MISSING',
    line: /^(?:server|default-server) .*(?:weight|maxconn|maxqueue|minconn)$/,
    reason: 'HAProxy takes 0',
  },
  {
    code: 'CFG_ARGUMENT_MISSING',
    line: /^http-re\w+ set-var-fmt\(\S+\)$/,
    reason: 'HAProxy takes an empty text',
  },
  {
    code: 'CFG_ARGUMENT_EXTRA',
    line: /^(?:defaults|http-errors|tcp-re\w+ inspect-delay|unique-id-header|option redispatch|errorfile|errorloc\d*|declare capture|use-fcgi-app)\b/,
    reason: unseen,
  },
  { code: 'CFG_ARGUMENT_EXTRA', line: /^(?:presetenv|setenv) \S+ \S+ \S+$/, reason: unseen },
  { code: 'CFG_ADDRESS', line: /:\d/, at: /:[\d-]*\d[^\d\s-]+$/, reason: asNumber },
  {
    code: 'CFG_ADDRESS',
    line: /^option forwardfor\b/,
    at: /^\d{1,9}(?:\.\d+){0,2}$/,
    reason: 'HAProxy takes it for an IPv4 address',
  },
  { code: 'CFG_SECTION_NAME', line: /^defaults\b/, reason: 'HAProxy takes any name here' },
  {
    code: 'CFG_SAMPLE_CONDITION',
    line: /\s(?:if|unless)$/,
    reason: 'HAProxy takes it, and the rule never or always applies',
  },
  { code: 'ERR_PROXY_NAME', line: /^/, says: /is not a header name/, reason: 'HAProxy sends it as it is' },
  { code: 'CFG_SPOE_MESSAGE', line: /^args\b/, reason: 'HAProxy sends a wrong count' },
]

/**
 * Why HAProxy lets it pass; undefined when it does not.
 * @param at what stands at the place of the complaint, to the end of its word.
 */
export function toleranceOf({ code, message }: Diagnostic, line: SourceLine, at: string): string | undefined {
  if (code === 'CFG_ARGUMENT' && beginsWithNumber(message, at)) return asNumber
  const text = line.words.map((word) => word.text).join(' ')
  return tolerated.find(
    (each) =>
      each.code === code &&
      each.line.test(text) &&
      each.at?.test(at) !== false &&
      each.says?.test(message) !== false,
  )?.reason
}

/** Whether the number in front of other characters is one of those that the message wants. */
function beginsWithNumber(message: string, at: string): boolean {
  const number = Number(/^(\d+)\D/.exec(at)?.[1] ?? Number.NaN)
  const [, from, to] = /must be a whole number from (\d+) to (\d+)/.exec(message) ?? []
  if (from !== undefined) return !strict.test(message) && number >= Number(from) && number <= Number(to)
  const [, codes = ''] = /must be one of ([\d, ]+), not/.exec(message) ?? []
  return codes.split(', ').includes(String(number))
}

/** Where HAProxy wants a number and nothing else. */
const strict = /^'declare capture/
