/** Runs SPOE scenarios through one program: all of them in one configuration, each with an agent of its own. */
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import type { Server as HttpServer } from 'node:http'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { startHaproxy } from '../support/haproxy.ts'
import { startSluice } from '../support/sluice.ts'
import { greets, SpoeActor } from './spoe-actor.ts'
import type { Deed, Greeting } from './spoe-actor.ts'

/** Milliseconds after which an agent is too late. */
export const processing = 500

/** See spoe-scenarios.ts for what they are. */
export interface SpoeScenario {
  readonly name: string
  /** @default 'http' */
  readonly mode?: 'http' | 'tcp'
  /** A TCP frontend's backend may speak HTTP. @default `mode` */
  readonly backendMode?: 'http'
  /** Lines of the spoe-agent, beside those that all have. */
  readonly agent?: readonly string[]
  /** Replaces what all agents have but `messages` and `use-backend`. */
  readonly bare?: boolean
  /** Messages and their lines; all of them are listed by the agent, unless their name begins with `g`: they make the group `g`. */
  readonly messages: Readonly<Record<string, readonly string[]>>
  /** Lines of the frontend, and of its backend. */
  readonly rules?: readonly string[]
  readonly backend?: readonly string[]
  /** The section in which the filter stands. @default 'frontend' */
  readonly filterIn?: 'frontend' | 'backend'
  /** Lines of the agents' backend. */
  readonly agents?: readonly string[]
  /** A second filter of the same frontend, with an engine `e2` of the same messages. */
  readonly second?: boolean
  /** What the agent does with HELLO, and with the NOTIFYs in their order; `ok` when there are no more. */
  readonly greeting?: Greeting
  readonly deeds?: readonly Deed[]
  /** What it does when it is left. @default 'answers' */
  readonly farewell?: 'answers' | 'closes' | 'stays'
  /** The agent does not listen. */
  readonly refused?: boolean
  /** How many requests the client sends on one connection, each when the one before is answered. @default 1 */
  readonly requests?: number
  /** They are sent on a connection each, all at once. */
  readonly together?: boolean
  /** The client closes, or resets, its connection so many milliseconds after its last request. */
  readonly leaves?: { readonly how: 'fin' | 'reset'; readonly after: number }
  /** The client of a TCP frontend sends nothing. */
  readonly silent?: boolean
  /** What differs on purpose: by place, what HAProxy and what sluice do. docs/compatibility.md has each. */
  readonly differs?: Readonly<Record<string, readonly [haproxy: string, sluice: string]>>
  /** The least that the times of the log lines may be. */
  readonly floors?: readonly (readonly number[])[]
  /** Places where it is chance what HAProxy does. */
  readonly unsteady?: readonly string[]
}

/** What was seen: by place, as text. */
export type Seen = ReadonlyMap<string, string>

/** A SPOE log line, taken apart. */
export interface SpoeLine {
  readonly kind: string
  readonly sid: number
  readonly status: number
  readonly times: readonly number[]
  readonly counters: string
}

/** What one program did with one scenario. */
export interface Performance {
  readonly seen: Seen
  readonly lines: readonly SpoeLine[]
  /** The stream ids of all NOTIFYs. */
  readonly streams: ReadonlySet<number>
}

interface Ports {
  readonly fe: number
  readonly agent: number
  readonly origin: number
  readonly echo: number
}

function section(at: number, each: SpoeScenario, { fe, agent, origin, echo }: Ports): string {
  const mode = each.mode ?? 'http'
  const backendMode = each.backendMode ?? mode
  const lines = (texts: readonly string[] = []) => texts.map((line) => `  ${line}`)
  const headers = ['v', 'w', 'err'].map(
    (name) => `  http-response set-header X-${name} "%[var(txn.e.${name})]"`,
  )
  const filter = (section: 'frontend' | 'backend') =>
    (each.filterIn ?? 'frontend') === section ? [`  filter spoe engine e config s${at}.conf`] : []
  return [
    `frontend f${at}`,
    `  mode ${mode}`,
    `  bind 127.0.0.1:${fe}`,
    ...filter('frontend'),
    ...(each.second === true ? [`  filter spoe engine e2 config s${at}.conf`] : []),
    ...lines(each.rules),
    ...(mode === 'http' ? headers : []),
    `  default_backend b${at}`,
    `backend b${at}`,
    `  mode ${backendMode}`,
    ...filter('backend'),
    ...lines(each.backend),
    ...(mode === backendMode ? [] : headers),
    `  server s 127.0.0.1:${backendMode === 'http' ? origin : echo}`,
    `backend a${at}`,
    '  mode tcp',
    '  timeout connect 1s',
    '  timeout server 1m',
    ...lines(each.agents),
    `  server a 127.0.0.1:${agent}`,
  ].join('\n')
}

function spoeFile(at: number, each: SpoeScenario): string {
  const names = Object.keys(each.messages)
  const listed = names.filter((name) => !name.startsWith('g'))
  const grouped = names.filter((name) => name.startsWith('g'))
  const usual = ['option set-on-error err', 'option force-set-var', 'timeout hello 2s', 'timeout idle 30s']
  const engine = (name: string) => [
    `[${name}]`,
    `spoe-agent ${name}-${at}`,
    '  log stderr format raw local0',
    `  option var-prefix ${name}`,
    ...(listed.length > 0 ? [`  messages ${listed.join(' ')}`] : []),
    ...(grouped.length > 0 ? ['  groups g'] : []),
    ...(each.bare === true ? [] : [...usual, `timeout processing ${processing}ms`]).map(
      (line) => `  ${line}`,
    ),
    ...(each.agent ?? []).map((line) => `  ${line}`),
    `  use-backend a${at}`,
    ...names.flatMap((message) => [
      `spoe-message ${message}`,
      ...(each.messages[message] ?? []).map((line) => `  ${line}`),
    ]),
    ...(grouped.length > 0 ? ['spoe-group g', `  messages ${grouped.join(' ')}`] : []),
  ]
  return [...engine('e'), ...(each.second === true ? engine('e2') : []), ''].join('\n')
}

/** The origins of both modes: one tells the headers that it got, one echoes. */
class Origins {
  readonly #http: HttpServer
  readonly #echo: Server

  constructor() {
    this.#http = createHttpServer({ keepAliveTimeout: 20_000 }, (request, response) => {
      const seen = Object.entries(request.headers).filter(([name]) => name.startsWith('x-'))
      const status = Number(request.headers['x-status'] ?? 200)
      const text = seen.map(([name, value]) => `${name}: ${String(value)}`).join(', ')
      request.on('data', () => {})
      const length = Buffer.byteLength(text)
      request.on('end', () => response.writeHead(status, { date: 'now', 'content-length': length }).end(text))
    })
    this.#echo = createServer((socket) => {
      socket.on('error', () => {})
      socket.pipe(socket)
    })
  }

  async listen(): Promise<void> {
    this.#http.listen(0, '127.0.0.1')
    this.#echo.listen(0, '127.0.0.1')
    await Promise.all([once(this.#http, 'listening'), once(this.#echo, 'listening')])
  }

  get origin(): number {
    return (this.#http.address() as AddressInfo).port
  }

  get echo(): number {
    return (this.#echo.address() as AddressInfo).port
  }

  stop(): void {
    this.#http.closeAllConnections()
    this.#http.close()
    this.#echo.close()
  }
}

class Client {
  readonly #socket: Socket
  #received = ''
  ended = false

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    this.#socket.on('data', (chunk: Buffer) => void (this.#received += chunk.toString('latin1')))
    this.#socket.on('end', () => void (this.ended = true))
    this.#socket.on('close', () => void (this.ended = true))
    this.#socket.on('error', () => {})
  }

  write(text: string): void {
    this.#socket.write(text)
  }

  /** Everything that came until `whole` says that it is enough, the connection ended, or nothing more is to be expected. */
  async take(whole: (text: string) => boolean): Promise<string> {
    const until = performance.now() + 4 * processing
    while (performance.now() < until && !this.ended && !whole(this.#received)) await sleep(5)
    const text = this.#received
    this.#received = ''
    return text
  }

  async leave(how: 'fin' | 'reset'): Promise<void> {
    if (how === 'fin') this.#socket.end()
    else this.#socket.resetAndDestroy()
    await sleep(0)
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

const wholeHttp = (text: string): boolean => {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return false
  const length = /content-length: (\d+)/i.exec(text)?.[1]
  if (length === undefined) return text.includes('\r\n0\r\n\r\n')
  return text.length >= end + 4 + Number(length)
}

function show(answer: string): string {
  const [head = '', ...rest] = answer.split('\r\n\r\n')
  const [line, ...fields] = head.split('\r\n')
  const kept = fields.filter((field) => /^x-(?!(?:v|w|err):\s*$)/i.test(field))
  return [line, ...kept, rest.join('').trim()].filter((part) => part !== '').join(' | ')
}

async function askHttp(each: SpoeScenario, port: number, seen: Map<string, string>): Promise<void> {
  const count = each.requests ?? 1
  const request = (at: number) => `GET /${at} HTTP/1.1\r\nHost: h\r\nX-Nr: ${at}\r\n\r\n`
  if (each.together === true) {
    const clients = Array.from({ length: count }, () => new Client(port))
    for (const [at, client] of clients.entries()) client.write(request(at + 1))
    const answers = await Promise.all(clients.map((client) => client.take(wholeHttp)))
    for (const [at, text] of answers.entries()) seen.set(`answer ${at + 1}`, show(text))
    for (const client of clients) client.destroy()
    return
  }
  const client = new Client(port)
  for (let at = 1; at <= count; at++) {
    client.write(request(at))
    if (at === count && each.leaves !== undefined) {
      await sleep(each.leaves.after)
      await client.leave(each.leaves.how)
    }
    seen.set(`answer ${at}`, show(await client.take(wholeHttp)))
  }
  client.destroy()
}

async function askTcp(each: SpoeScenario, port: number, seen: Map<string, string>): Promise<void> {
  const client = new Client(port)
  if (each.silent !== true) client.write('hello\n')
  if (each.leaves !== undefined) {
    await sleep(each.leaves.after)
    await client.leave(each.leaves.how)
  }
  seen.set('answer 1', JSON.stringify(await client.take((text) => text.includes('\n'))))
  await sleep(50)
  seen.set('end', String(client.ended))
  client.destroy()
}

const spoeLine = /^SPOE: \[([^\]]*)\] <([^>]*)> sid=(\d+) st=(\d+) (\S+) (.*)$/

/** The lines of a program's output, by agent. */
function readLines(output: readonly string[]): Map<string, SpoeLine[]> {
  const found = new Map<string, SpoeLine[]>()
  for (const text of output) {
    const [, agent = '', kind = '', sid, status, times = '', counters = ''] = spoeLine.exec(text) ?? []
    if (sid === undefined) continue
    const list = found.get(agent) ?? []
    found.set(agent, list)
    list.push({
      kind,
      sid: Number(sid),
      status: Number(status),
      times: times.split('/').map(Number),
      counters,
    })
  }
  return found
}

/** Plays all scenarios on one program, some at a time. */
export async function perform(
  program: 'haproxy' | 'sluice',
  scenarios: readonly SpoeScenario[],
): Promise<ReadonlyMap<string, Performance>> {
  const origins = new Origins()
  await origins.listen()
  const actors = scenarios.map(
    ({ deeds = [], greeting = greets('pipelining'), farewell = 'answers' }) =>
      new SpoeActor(deeds, greeting, farewell),
  )
  const agents = await Promise.all(actors.map((actor) => actor.listen()))
  for (const [at, { refused }] of scenarios.entries()) if (refused === true) await actors[at]?.stop()
  const { origin, echo } = origins
  const names = scenarios.map((_, at) => `f${at}`)
  const options = {
    ports: names,
    config: (ports: Readonly<Record<string, number>>) =>
      [
        'global\n  nbthread 1',
        'defaults\n  log stderr format raw local1\n  timeout connect 1s\n  timeout client 3s\n  timeout server 3s',
        ...scenarios.map((each, at) =>
          section(at, each, { fe: ports[`f${at}`] ?? 0, agent: agents[at] ?? 0, origin, echo }),
        ),
      ].join('\n'),
    files: Object.fromEntries(scenarios.map((each, at) => [`s${at}.conf`, spoeFile(at, each)])),
  }
  let running: (Running & { stop(): Promise<void> }) | undefined
  try {
    running = await (program === 'haproxy' ? startHaproxy(options) : startSluice(options))
    return await playAll(scenarios, actors, running)
  } finally {
    await running?.stop()
    origins.stop()
    await Promise.all(actors.map((actor) => actor.stop()))
  }
}

interface Running {
  readonly ports: Readonly<Record<string, number>>
  logs(): string
}

/** How many run at the same time: times are compared. */
const together = 6

async function playAll(
  scenarios: readonly SpoeScenario[],
  actors: readonly SpoeActor[],
  running: Running,
): Promise<ReadonlyMap<string, Performance>> {
  const seens = scenarios.map(() => new Map<string, string>())
  const waiting = [...scenarios.entries()]
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [at, each] = next
      const seen = seens[at] as Map<string, string> // one for each
      await ((each.backendMode ?? each.mode) === 'tcp' ? askTcp : askHttp)(
        each,
        running.ports[`f${at}`] ?? 0,
        seen,
      )
    }
  }
  await Promise.all(Array.from({ length: together }, work))
  await sleep(2 * processing)
  const output = running.logs().split('\n')
  const lines = readLines(output)
  return new Map(
    scenarios.map((each, at) => {
      const seen = seens[at] as Map<string, string> // one for each
      const actor = actors[at] as SpoeActor // one for each
      seen.set('told', actor.told.join('\n'))
      const traffic = output.filter((line) => line.startsWith('TRAFFIC') && line.includes(` f${at} `))
      seen.set('traffic', traffic.map((line) => line.replace(` f${at} `, ' ')).join('\n'))
      for (const name of ['e', 'e2']) {
        const list = lines.get(`${name}-${at}`) ?? []
        seen.set(`log ${name}`, list.map(({ kind, status }) => `${kind} ${status}`).join('\n'))
        seen.set(`counters ${name}`, list.map(({ counters }) => counters).join('\n'))
      }
      const all = [...(lines.get(`e-${at}`) ?? []), ...(lines.get(`e2-${at}`) ?? [])]
      return [each.name, { seen, lines: all, streams: actor.streams }]
    }),
  )
}
