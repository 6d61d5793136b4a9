/** Plays the rows of log-cases.ts: their configuration, what they talk to, and what is left of their lines to compare. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createAgent } from 'sluice/agent'
import type { Agent } from 'sluice/agent'
import type { RawClient } from '../proxy/support.ts'
import { startBlackHole } from '../support/black-hole.ts'
import { cases, createClient, formats } from './log-cases.ts'
import type { LogCase, Peers } from './log-cases.ts'
import { startLogOrigin, wait } from './log-origin.ts'

/** What all rows talk to. */
export interface LogPeers extends Peers {
  readonly agent: number
  stop(): Promise<void>
}

/** Starts it. */
export async function startLogPeers(): Promise<LogPeers> {
  const origin = await startLogOrigin()
  const { agent, port } = await startAgent()
  const cleanups: (() => unknown)[] = []
  const hole = await startBlackHole({
    after: (cleanup: () => unknown) => void cleanups.push(cleanup),
  } as never) // all it needs
  return {
    origin: origin.http,
    greeter: origin.greeter,
    // Nobody listens on it, and no other test is given it.
    dead: 1,
    hole,
    agent: port,
    async stop() {
      await agent.close()
      origin.stop()
      for (const cleanup of cleanups) await cleanup()
    },
  }
}

async function startAgent(): Promise<{ readonly agent: Agent; readonly port: number }> {
  const agent = createAgent({ deadline: 5000 })
  for (const [message, time] of Object.entries({ think: wait, thinktoo: wait, sleep: 3 * wait })) {
    agent.message(message, async (_, actions) => {
      await sleep(time)
      actions.setVar('txn', 'seen', true)
    })
  }
  const endpoint = await agent.listen('127.0.0.1:0')
  return { agent, port: endpoint.type === 'tcp' ? endpoint.port : 0 }
}

/** The frontend of a row. */
export const frontName = (one: LogCase): string => `f${cases.indexOf(one)}`
const backName = (one: LogCase): string => `b${cases.indexOf(one)}`
/** One port and an address for each row: of hundreds of ports one is always taken. */
export const frontHost = (one: LogCase): string => {
  const at = cases.indexOf(one)
  return `127.0.${1 + Math.floor(at / 250)}.${1 + (at % 250)}`
}

const defaults = (mode: 'http' | 'tcp'): string => `
defaults
  mode ${mode}
  log stdout len 4096 format raw local0
  timeout client 900ms
  timeout server 1200ms
  timeout connect 900ms
  timeout queue 900ms
  ${mode === 'http' ? 'timeout http-keep-alive 900ms\n' : ''}`

/** The sections of a row. */
export function section(one: LogCase, port: number, peers: Peers): string {
  const { mode = 'http', format = mode === 'http' ? 'times' : 'tcp', both = [], front = [], back = [] } = one
  const servers = one.servers?.(peers) ?? [`server s 127.0.0.1:${peers.origin}`]
  const frontend = [
    `frontend ${frontName(one)}`,
    `bind ${frontHost(one)}:${port}`,
    formats[format],
    ...front,
    ...(one.noBackend ? [] : [`default_backend ${backName(one)}`]),
  ]
  const backend = one.noBackend ? [] : [`backend ${backName(one)}`, ...back, ...servers]
  return [defaults(mode), ...both, ...frontend, ...backend].join('\n')
}

/** All rows in one configuration; each listens on an address of its own. */
export function configOf(rows: readonly LogCase[], port: number, peers: LogPeers): string {
  return [
    'global\n  maxconn 2000\n  log stdout len 4096 format raw local0',
    ...rows.map((one) => section(one, port, peers)),
    `${defaults('tcp')}\nbackend agents\n  server a 127.0.0.1:${peers.agent}`,
  ].join('\n')
}

/** An engine: its messages with the event that sends each, and how long it may take. */
const engine = (name: string, events: Readonly<Record<string, string>>, timeout = 2000): string => `
[${name}]
spoe-agent ${name}-agent
  messages ${Object.keys(events).join(' ')}
  option var-prefix ${name}
  register-var-names seen
  timeout hello 1s
  timeout idle 10s
  timeout processing ${timeout}ms
  use-backend agents
${Object.entries(events)
  .map(([message, event]) => `spoe-message ${message}\n  event ${event}`)
  .join('\n')}
`

/** The file that the `filter` lines of rows name. */
export const spoe = [
  engine('request', { think: 'on-frontend-http-request' }),
  engine('backend', { think: 'on-backend-http-request' }),
  engine('response', { think: 'on-http-response' }),
  engine('both', { think: 'on-frontend-http-request', thinktoo: 'on-http-response' }),
  engine('session', { think: 'on-client-session' }),
  engine('slow', { sleep: 'on-frontend-http-request' }, wait),
  engine('slower', { sleep: 'on-frontend-http-request' }),
  engine('tcp', { think: 'on-frontend-tcp-request' }),
  engine('tcpslower', { sleep: 'on-frontend-tcp-request' }),
].join('\n')

/** What differs from run to run: ports, pids, dates; and times, to 100 ms. */
function mask(line: string, one: LogCase, ports: ReadonlyMap<string, string>): string {
  // A timer fires late, hardly ever early.
  const round = (text: string) =>
    text.replace(/(?<!-)\d+/g, (digits) => String(Math.floor((Number(digits) + 20) / 100) * 100))
  const named = line
    .replaceAll(new RegExp(`\\b${frontName(one)}\\b`, 'g'), 'FRONT')
    .replaceAll(new RegExp(`\\b${backName(one)}\\b`, 'g'), 'BACK')
  if (one.format === 'dates') return maskDates(named)
  const quiet = named
    .replace(/\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d(\.\d{3}| [+-]\d{4})/g, 'DATE')
    .replaceAll(frontHost(one), 'FRONTHOST')
    .replace(/\b\d{4,5}\b/g, (port) => ports.get(port) ?? port)
    .replace(/(127\.0\.0\.1:|(?:cp|bp)=|from 127\.0\.0\.1:)\d{4,5}\b/g, '$1PORT')
    .replace(/\b(T\w)=(\d+)/g, (_, name: string, digits: string) => `${name}=${round(digits)}`)
    .replace(/\bB=\d{7}\b/, 'B=MANY')
  switch (one.format) {
    case 'httplog':
      return quiet
        .replace(/ [-\d]+\/[-\d]+\/[-\d]+\/[-\d]+\/\d+ /, round)
        .replace(/ \d+(\/\d+\/\d+\/\d+\/\d+ \d+\/\d+)/, ' AC$1')
    case 'tcplog':
      return quiet
        .replace(/ [-\d]+\/[-\d]+\/\d+ /, round)
        .replace(/ \d+(\/\d+\/\d+\/\d+\/\d+ \d+\/\d+)/, ' AC$1')
    case 'clf':
      return quiet
        .replace(/ "" "" \d+ \d{3} /, ' "" "" CP MS ')
        .replace(
          /("?<?\w+>?"?) ([-\d]+ [-\d]+ [-\d]+ [-\d]+ \d+) (["\w-]+) \d+ /,
          (_, server: string, times: string, state: string) => `${server} ${round(times)} ${state} AC `,
        )
    default:
      return quiet
  }
}

/** The date of the request is compared with that of the connection, in steps of 100 ms. */
function maskDates(line: string): string {
  const at = (name: string) => {
    const [, day = '', time = ''] = new RegExp(`\\b${name}=(\\d\\d/\\w+/\\d+):([\\d:.]+)`).exec(line) ?? []
    return Date.parse(`${day.replaceAll('/', ' ')} ${time}`)
  }
  const between = Math.floor((at('tr') - at('t') + 20) / 100) * 100
  return `${line.replace(/\d+/g, '0')} between=${between}`
}

/** The lines of one row that came since `from`, in an order that does not depend on time. */
function linesOf(one: LogCase, text: string): string[] {
  const name = new RegExp(`(?<![\\w/])${frontName(one)}(?![\\w.])`)
  return text.split('\n').filter((line) => name.test(line))
}

/** One that writes the lines: HAProxy, `sluice run`, or a proxy of this process. */
export interface LogWriter {
  readonly peers: LogPeers
  /** The port that a row listens on. */
  port(one: LogCase): number
  /** All that was written so far. */
  logs(): string
}

/** Plays a row; answers its lines, and what went wrong for its client. */
export async function play(one: LogCase, writer: LogWriter): Promise<string[]> {
  const from = writer.logs().length
  const clients: RawClient[] = []
  const lines = () => linesOf(one, writer.logs().slice(from))
  const port = writer.port(one)
  const client = createClient({ port, host: frontHost(one) }, clients, () => lines().length > 0)
  await new Promise<void>((resolve) => {
    client.raw.socket.once('connect', resolve)
    client.raw.socket.once('close', () => resolve())
  })
  const problem = await one.play(client).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )
  for (const each of clients) each.destroy()
  const { lines: count = 1 } = one
  for (let waited = 0; waited < 2500 && lines().length < count; waited += 20) await sleep(20)
  // One that must not be there may come late.
  await sleep(100)
  const { origin, greeter, dead, hole } = writer.peers
  const names = Object.entries({ origin, greeter, dead, hole }).map(
    ([name, each]) => [String(each), name] as const,
  )
  const ports = new Map([...names, [String(port), 'FRONTPORT']])
  const masked = lines().map((line) => mask(line, one, ports))
  return [...masked.sort(), ...(problem === undefined ? [] : [`the client: ${problem}`])]
}
