/**
 * Log lines of HAProxy and of sluice, whole, with their times: the same configuration, the same clients, servers and
 * agents that wait 300 ms, and times rounded to 100 ms. A row that differs is played again, for machines are busy; a row
 * of `known` that agrees fails, so that it is struck out.
 *
 * With LOG_CASES=WORD only the rows whose name has the word are played; what both logged is printed.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAgent } from 'sluice/agent'
import type { Agent } from 'sluice/agent'
import { loadProxy } from 'sluice/proxy'
import { deadPort, folder } from '../proxy/support.ts'
import type { RawClient } from '../proxy/support.ts'
import { startBlackHole } from '../support/black-hole.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import type { Haproxy } from '../support/haproxy.ts'
import { startSluice } from '../support/sluice.ts'
import type { Sluice } from '../support/sluice.ts'
import { cases, createClient, formats } from './log-cases.ts'
import type { LogCase, Peers } from './log-cases.ts'
import { startLogOrigin, wait } from './log-origin.ts'
import type { LogOrigin } from './log-origin.ts'
import { known, refused } from './log-known.ts'

const skip = skipWithoutHaproxy()

const wanted = process.env['LOG_CASES']
const chosen = cases.filter(({ name }) => wanted === undefined || name.includes(wanted))
const played = chosen.filter(({ name }) => !refused.has(name))
const frontName = (one: LogCase): string => `f${cases.indexOf(one)}`
const backName = (one: LogCase): string => `b${cases.indexOf(one)}`
/** One port and an address for each row: of hundreds of ports one is always taken. */
const frontHost = (one: LogCase): string => `127.0.1.${cases.indexOf(one) + 1}`

const defaults = (mode: 'http' | 'tcp'): string => `
defaults
  mode ${mode}
  log stdout len 4096 format raw local0
  timeout client 900ms
  timeout server 1200ms
  timeout connect 900ms
  timeout queue 900ms
  ${mode === 'http' ? 'timeout http-keep-alive 900ms\n' : ''}`

function section(one: LogCase, port: number, peers: Peers): string {
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

type Ports = Readonly<Record<'fe', number>>

const config = (ports: Ports, peers: Peers, agent: number): string =>
  [
    'global\n  maxconn 2000\n  log stdout len 4096 format raw local0',
    ...played.map((one) => section(one, ports.fe, peers)),
    // It listens where the helpers look for it.
    `defaults\nlisten ready\n  bind 127.0.0.1:${ports.fe}\n  timeout client 1s\n  timeout connect 1s\n  timeout server 1s`,
    `${defaults('tcp')}\nbackend agents\n  server a 127.0.0.1:${agent}`,
  ].join('\n')

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

const spoe = [
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

describe('log lines with their times', { skip, concurrency: 4 }, () => {
  let origin: LogOrigin
  let agent: Agent
  let peers: Peers
  let haproxy: Haproxy<'fe'>
  let sluice: Sluice<'fe'>
  const cleanups: (() => unknown)[] = []

  before(async () => {
    origin = await startLogOrigin()
    const started = await startAgent()
    agent = started.agent
    const hole = await startBlackHole({
      after: (cleanup: () => unknown) => void cleanups.push(cleanup),
    } as never) // all it needs
    peers = { origin: origin.http, greeter: origin.greeter, dead: await deadPort(), hole }
    const options = {
      ports: ['fe'] as const,
      files: { 'spoe.conf': spoe },
      config: (ports: Ports) => config(ports, peers, started.port),
    }
    haproxy = await startHaproxy(options)
    sluice = await startSluice(options)
    // What the tests that it listens have logged is no row's.
    await sleep(200)
  })

  after(async () => {
    await sluice?.stop()
    await haproxy?.stop()
    await agent?.close()
    origin?.stop()
    for (const cleanup of cleanups) await cleanup()
  })

  const portNames = (ports: Ports): ReadonlyMap<string, string> =>
    new Map([
      ...Object.entries(peers).map(([name, port]) => [String(port), name] as const),
      [String(ports.fe), 'FRONTPORT'],
    ])

  /** Plays the row against one of them; answers its lines. */
  const play = async (one: LogCase, ports: Ports, logs: () => string): Promise<string[]> => {
    const from = logs().length
    const clients: RawClient[] = []
    const lines = () => linesOf(one, logs().slice(from))
    const client = createClient({ port: ports.fe, host: frontHost(one) }, clients, () => lines().length > 0)
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
    const masked = lines().map((line) => mask(line, one, portNames(ports)))
    return [...masked.sort(), ...(problem === undefined ? [] : [`the client: ${problem}`])]
  }

  const compare = async (one: LogCase): Promise<{ theirs: string[]; ours: string[]; agree: boolean }> => {
    const both = [
      () => play(one, haproxy.ports, () => haproxy.logs()),
      () => play(one, sluice.ports, () => sluice.cli.stdout),
    ] as const
    const [theirs, ours] = one.alone
      ? [await both[0](), await both[1]()]
      : await Promise.all([both[0](), both[1]()])
    return { theirs, ours, agree: theirs.join('\n') === ours.join('\n') }
  }

  const row = async (one: LogCase): Promise<void> => {
    const isKnown = known.has(one.name)
    let result = await compare(one)
    for (let again = 0; again < 3 && result.agree === isKnown; again++) result = await compare(one)
    const { theirs, ours, agree } = result
    if (wanted !== undefined) {
      const all = [...theirs.map((line) => `  HAProxy ${line}`), ...ours.map((line) => `  sluice  ${line}`)]
      process.stderr.write(`${agree ? '=' : '!'} ${one.name}\n${all.join('\n')}\n`)
    }
    if (isKnown) assert.ok(!agree, `it agrees: strike it out of log-known.ts`)
    else assert.deepEqual(ours, theirs)
    // A row that expects other lines than HAProxy writes compares less than it seems to.
    assert.equal(theirs.length, one.lines ?? 1, theirs.join('\n'))
  }

  for (const one of chosen.filter(({ name }) => refused.has(name))) {
    it(`${one.name} (refused)`, (t) => {
      const cwd = folder(t, { 'haproxy.cfg': `${section(one, 1, peers)}\n` })
      const { plan } = loadProxy({ files: ['haproxy.cfg'], cwd })
      assert.equal(plan, undefined, 'it is taken: move it from `refused` to `known`, or strike it out')
    })
  }
  for (const one of played.filter(({ alone }) => !alone)) it(one.name, () => row(one))
  it('rows that are played alone', async (t) => {
    for (const one of played.filter(({ alone }) => alone)) await t.test(one.name, () => row(one))
  })
})
