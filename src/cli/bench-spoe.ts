/** `sluice bench --spoe FILE`: the NOTIFYs of a SPOE file, with values as they could come from clients. */
import { basename } from 'node:path'
import { parseSpoeFile, spoeEvents, type SpoeConfig, type SpoeMessage } from '../config/index.ts'
import { UsageError } from '../base/errors.ts'
import type { ArgumentTemplate, MessageTemplate, NotifyTemplate } from '../load/notify-source.ts'
import { loneContext, spoeScopes } from '../lint/index.ts'
import { compileExpression, type SampleType } from '../sample/index.ts'
import { haproxyHeadersBytes } from '../testing/haproxy-bytes.ts'
import { note, printDiagnostics } from './output.ts'
import { splitArgument } from './probe-argument.ts'
import { readFile } from './read-file.ts'

/** What of the file is sent. */
export interface SpoeChoice {
  /** `--engine NAME`: this scope. */
  readonly engine: string | undefined
  /** `--message NAME`: only these; all when there is none. */
  readonly messages: readonly string[]
  /** `--arg name=type:value`: in place of the arguments of that name. */
  readonly args: readonly string[]
}

const browser = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

const headers: readonly (readonly [string, string])[] = [
  ['host', 'www.example.com'],
  ['user-agent', browser],
  ['accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
  ['accept-language', 'en-US,en;q=0.5'],
  ['accept-encoding', 'gzip, deflate, br'],
  ['cookie', 'session=2f1c7be04a9d4c66'],
]
const headerText = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')

/** What fetches have, as `type:template`. */
const values: Readonly<Record<string, string>> = {
  src: 'ip:{ip}',
  dst: 'ip:192.0.2.10',
  src_port: 'int:{int:1024-65535}',
  dst_port: 'int:443',
  method: 'str:{pick:GET|GET|GET|POST}',
  path: 'str:/page/{int:1-1000}',
  pathq: 'str:/page/{int:1-1000}?item={int:1-1000}',
  url: 'str:/page/{int:1-1000}?item={int:1-1000}',
  query: 'str:item={int:1-1000}',
  base: 'str:www.example.com/page/{int:1-1000}',
  'req.ver': 'str:1.1',
  'res.ver': 'str:1.1',
  status: 'int:{pick:200|200|200|304|404}',
  'unique-id': 'str:{stream}-7f000001',
  unique_id: 'str:{stream}-7f000001',
  'req.hdrs': `str:${headerText}\r\n`,
  'req.hdrs_bin': `bin:${haproxyHeadersBytes(headers).toString('hex')}`,
  'res.hdrs': 'str:content-type: text/html\r\ncontent-length: 1024\r\n\r\n',
  'res.hdrs_bin': `bin:${haproxyHeadersBytes([['content-type', 'text/html']]).toString('hex')}`,
  'req.body': 'str:name=alice&page={int:1-1000}&text={fill:200}',
  'req.body_size': 'int:{int:0-2000}',
  'res.body': 'str:{fill:1000}',
  ssl_fc: 'bool:true',
  ssl_fc_sni: 'str:www.example.com',
  // Rules that set it run after the messages of an event: it is not set.
  var: 'null',
}

const byType: Partial<Record<SampleType, string>> = {
  bool: 'bool:true',
  sint: 'int:{int:0-1000}',
  addr: 'ip:{ip}',
  ipv4: 'ip:{ip}',
  ipv6: 'ip:{ip:2001:db8::/32}',
  bin: 'bin:{hex:32}',
}

/** The NOTIFYs of a file. @throws UsageError `ERR_SLUICE_OPTION` for a file, or a choice, that has none. */
export function readSpoeNotifies(path: string, choice: SpoeChoice): NotifyTemplate[] {
  const text = readFile('--spoe', path).toString()
  const scopes = spoeScopes({ file: path, text })
  const scope = choice.engine ?? scopes[0]
  const { spoe, diagnostics } = parseSpoeFile(text, path, process.env, scope)
  const refuse = (why: string): never => {
    throw new UsageError('ERR_SLUICE_OPTION', `--spoe ${path}: ${why}`)
  }
  if (printDiagnostics(diagnostics.filter(({ severity }) => severity === 'error')))
    return refuse('it has errors')
  if (spoe === undefined) return refuse(`no agent in the scope ${scope ?? 'outside of all scopes'}`)
  if (choice.engine === undefined && scopes.length > 1) {
    note(`${path}: of its scopes only ${scope ?? 'what stands outside'} is sent; --engine NAME is another`)
  }
  const overrides = choice.args.map((each) => splitArgument(each))
  const notifies = notifiesOf(spoe, choice.messages).map(({ name, messages }) => ({
    name,
    messages: messages.map((message) => templateOf(message, overrides)),
  }))
  if (notifies.length > 0) return notifies
  const all = [...spoe.messages, ...spoe.unusedMessages].map(({ name }) => name)
  return refuse(`no message is left to be sent; it has ${all.join(', ') || 'none'}`)
}

interface Sending {
  readonly name: string
  readonly messages: readonly SpoeMessage[]
}

/** One for each event, in the order in which a stream meets them; without any, one for each group. */
function notifiesOf({ messages, groups }: SpoeConfig, only: readonly string[]): Sending[] {
  const chosen = messages.filter(({ name }) => only.length === 0 || only.includes(name))
  const events = spoeEvents.map((event) => ({
    name: event,
    messages: chosen.filter((message) => message.event?.name === event),
  }))
  const grouped = groups.map((group) => ({
    name: group.name,
    messages: chosen.filter(({ name }) => group.messages.some((each) => each.text === name)),
  }))
  const sent = [events, grouped].map((all) => all.filter((each) => each.messages.length > 0))
  return sent.find((all) => all.length > 0) ?? []
}

function templateOf(message: SpoeMessage, overrides: readonly ArgumentTemplate[]): MessageTemplate {
  const context = loneContext(message, true)
  const args = message.args.map(({ name = '', expr }): ArgumentTemplate => {
    const given = overrides.find((each) => each.name === name && name !== '')
    if (given !== undefined) return given
    return splitArgument(`${name}=${valueOf(expr.text, compileExpression(expr, context)?.type)}`)
  })
  return { name: message.name, args }
}

/** As `type:template`. What converters make is only known by its type. */
function valueOf(expression: string, type: SampleType | undefined): string {
  const [, fetch = '', argument = '', rest = ''] = /^([\w.-]+)(?:\(([^()]*)\))?(.*)$/s.exec(expression) ?? []
  const known =
    rest === '' ? (constant(fetch, argument) ?? header(fetch, argument) ?? values[fetch]) : undefined
  return known ?? (type === undefined ? undefined : byType[type]) ?? 'str:value-{int:1-1000}'
}

/** What is written in the file itself. */
function constant(fetch: string, argument: string): string | undefined {
  if (fetch === 'str') return `str:${argument.replaceAll('{', '{{')}`
  if (fetch === 'int' || fetch === 'bool') return `${fetch}:${argument}`
  return undefined
}

function header(fetch: string, argument: string): string | undefined {
  if (/^(req\.)?(f?hdr|header)_ip$|^hdr_ip$/.test(fetch)) return 'ip:{ip}'
  if (/^(req\.|res\.)?cook(ie)?$/.test(fetch)) return 'str:{hex:32}'
  if (!/^(req\.|res\.)?f?hdr$/.test(fetch)) return undefined
  const name = argument.split(',')[0]?.trim().toLowerCase()
  const found = headers.find(([each]) => each === name)
  return `str:${found?.[1] ?? 'value-{int:1-1000}'}`
}

/** What is sent, one line for each NOTIFY. */
export function describeNotifies(path: string, notifies: readonly NotifyTemplate[]): string[] {
  return notifies.map(({ name, messages }) => {
    const calls = messages.map(
      (message) => `${message.name}(${message.args.map(describeArgument).join(', ')})`,
    )
    return `${basename(path)}: ${name} sends ${calls.join(' and ')}`
  })
}

const longestShown = 40

function describeArgument({ name, type, text }: ArgumentTemplate): string {
  const shown = JSON.stringify(text.length > longestShown ? `${text.slice(0, longestShown)}…` : text).slice(
    1,
    -1,
  )
  return `${name}=${type}${text === '' ? '' : `:${shown}`}`
}
