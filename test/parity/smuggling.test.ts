/**
 * Requests and answers that two readers may understand differently, through `sluice run`: into HAProxy, nginx, node:http
 * and a reader of our own as next hops, and back through them as clients. What each of them reads is the same, nobody
 * gets more than was asked for and answered, and the next request on a shared connection gets its own answer.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fieldOf, readMessage, statusOf } from '../sequences/message.ts'
import type { Message } from '../sequences/message.ts'
import { Origin } from '../sequences/origin.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { startSluice } from '../support/sluice.ts'
import { readRawCases } from './smuggling-cases.ts'
import type { RawCase } from './smuggling-cases.ts'
import { SmugglingClient } from './smuggling-client.ts'
import { findNginx, NodeRecorder, RawRecorder, startNginx } from './smuggling-hops.ts'
import type { Recorder } from './smuggling-hops.ts'

const skip = skipWithoutHaproxy()
const nginx = findNginx()
if (nginx === undefined)
  process.stderr.write('\nnginx is not installed: smuggling.test.ts goes on without it\n\n')

/** Cases that run at the same time; each lane has servers of its own. */
const lanes = 6
/** Milliseconds without a byte after which a case is over. */
const quiet = 60

const timeouts = [
  'timeout connect 1s',
  'timeout client 5s',
  'timeout server 5s',
  'timeout http-request 5s',
].map((line) => `  ${line}\n`)

const proxyConfig = (ports: readonly (number | undefined)[], targets: readonly number[]): string =>
  `defaults\n  mode http\n  http-reuse always\n${timeouts.join('')}` +
  targets
    .map((to, at) => `listen l${at}\n  bind 127.0.0.1:${ports[at]}\n  server s 127.0.0.1:${to}\n`)
    .join('')

type Cleanup = () => void | Promise<void>

/** HAProxy or sluice in front of these ports, one frontend each. */
async function startProxies(
  start: typeof startHaproxy<string> | typeof startSluice<string>,
  targets: readonly number[],
  cleanups: Cleanup[],
): Promise<number[]> {
  const names = targets.map((_, at) => String(at))
  const running = await start({
    ports: names,
    config: (ports) =>
      proxyConfig(
        names.map((name) => ports[name]),
        targets,
      ),
  })
  cleanups.push(() => running.stop())
  return names.map((name) => running.ports[name] ?? 0)
}

/** Runs every case, several at a time, each on a lane that nobody else uses meanwhile. */
async function onLanes<T>(
  cases: readonly RawCase[],
  run: (each: RawCase, lane: number) => Promise<T>,
): Promise<Map<string, T>> {
  const results = new Map<string, T>()
  const left = [...cases]
  const work = async (lane: number) => {
    for (let each = left.shift(); each !== undefined; each = left.shift()) {
      results.set(each.name, await run(each, lane))
    }
  }
  await Promise.all(Array.from({ length: lanes }, (_, lane) => work(lane)))
  return results
}

async function stopAll(cleanups: Cleanup[]): Promise<void> {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
}

describe('raw requests through sluice', { skip, concurrency: false }, () => {
  const cases = readRawCases('smuggling-requests')
  const cleanups: Cleanup[] = []
  /** For each hop and lane, what records behind it, and where sluice listens before it. */
  const hops = new Map<string, { readonly recorder: Recorder; readonly port: number }[]>()
  const outcomes = new Map<string, Map<string, Outcome>>()

  interface Outcome {
    readonly requests: readonly string[]
    readonly answered: number
    readonly victim: string
    readonly messages: readonly Message[]
    readonly garbage: readonly string[]
  }

  before(async () => {
    const raw = await recorders(() => new RawRecorder().listen())
    const node = await recorders(() => new NodeRecorder().listen())
    const behindHaproxy = await recorders(() => new RawRecorder().listen())
    const haproxy = await startProxies(startHaproxy<string>, portsOf(behindHaproxy), cleanups)
    const all: [string, Recorder[], number[]][] = [
      ['raw', raw, portsOf(raw)],
      ['node', node, portsOf(node)],
      ['haproxy', behindHaproxy, haproxy],
    ]
    if (nginx !== undefined) {
      const behindNginx = await recorders(() => new RawRecorder().listen())
      const running = await startNginx(nginx, portsOf(behindNginx))
      cleanups.push(() => running.stop())
      all.push(['nginx', behindNginx, [...running.ports]])
    }
    const ports = await startProxies(
      startSluice<string>,
      all.flatMap(([, , targets]) => targets),
      cleanups,
    )
    for (const [at, [name, list]] of all.entries()) {
      hops.set(
        name,
        list.map((recorder, lane) => ({ recorder, port: ports[at * lanes + lane] ?? 0 })),
      )
    }
    await Promise.all(
      [...hops.keys()].map(async (name) =>
        outcomes.set(name, await onLanes(cases, (each, lane) => run(name, each, lane))),
      ),
    )
  })

  after(() => stopAll(cleanups))

  async function recorders<R extends Recorder>(create: () => Promise<R>): Promise<R[]> {
    const list = await Promise.all(Array.from({ length: lanes }, create))
    cleanups.push(() => list.forEach((each) => each.stop()))
    return list
  }

  async function run(name: string, { bytes }: RawCase, lane: number, patience = quiet): Promise<Outcome> {
    const hop = hops.get(name)?.[lane]
    assert.ok(hop !== undefined)
    const { recorder, port } = hop
    recorder.begin()
    const client = new SmugglingClient(port)
    client.send(bytes, bytes.toString('latin1').split(' ')[0])
    await client.settle(patience)
    const requests = [...recorder.requests]
    // Its answer may still be on its way.
    await client.until(() => client.answers.length >= requests.length, 1000)
    const answered = client.answers.length
    const raw = recorder instanceof RawRecorder ? recorder : undefined
    const seen = { messages: [...(raw?.messages ?? [])], garbage: [...(raw?.garbage ?? [])] }
    const victim = await askVictim(port)
    client.close()
    return { requests, answered, victim, ...seen }
  }

  /** Somebody else, on a connection of his own; sluice may send his request where the attacker's went. */
  async function askVictim(port: number): Promise<string> {
    const client = new SmugglingClient(port)
    client.send('GET /victim HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.until(() => client.answers.some(({ complete }) => complete), 3000)
    const body = client.answers[0]?.body ?? client.end
    client.close()
    return body
  }

  const outcomeOf = (hop: string, name: string): Outcome => {
    const found = outcomes.get(hop)?.get(name)
    assert.ok(found !== undefined, `${hop} did not run ${name}`)
    return found
  }

  /** The names of the cases for which `wrong` says something, with what it says; each is tried again before. */
  async function failures(
    hop: string,
    wrong: (outcome: Outcome, each: RawCase) => string | undefined,
  ): Promise<string[]> {
    const found: string[] = []
    for (const each of cases) {
      if (wrong(outcomeOf(hop, each.name), each) === undefined) continue
      const again = await run(hop, each, 0, 4 * quiet)
      const what = wrong(again, each)
      if (what !== undefined) found.push(`${each.name}: ${what}`)
    }
    return found
  }

  it('there are 300 of them', () => assert.ok(cases.length >= 300))

  it('what sluice sends has one meaning', async () => {
    assert.deepEqual(
      await failures('raw', ({ messages, garbage }) => {
        const odd = messages.flatMap(oddities)
        return garbage.length + odd.length === 0 ? undefined : JSON.stringify([...garbage, ...odd])
      }),
      [],
    )
  })

  for (const hop of ['raw', 'node', 'haproxy', ...(nginx === undefined ? [] : ['nginx'])]) {
    it(`${hop}: no more requests than answers`, async () => {
      assert.deepEqual(
        await failures(hop, ({ requests, answered }) =>
          requests.length <= answered ? undefined : `${answered} answers for ${JSON.stringify(requests)}`,
        ),
        [],
      )
    })

    it(`${hop}: the next client gets its own answer`, async () => {
      assert.deepEqual(
        await failures(hop, ({ victim }) => (victim === 'GET /victim' ? undefined : JSON.stringify(victim))),
        [],
      )
    })

    if (hop === 'raw') continue
    it(`${hop}: reads what sluice meant, or refuses it`, async () => {
      assert.deepEqual(
        await failures(hop, ({ requests }, { name }) => {
          const meant = outcomeOf('raw', name).requests
          const same = inOrder(requests, meant)
          return same ? undefined : `${JSON.stringify(requests)} for ${JSON.stringify(meant)}`
        }),
        [],
      )
    })
  }
})

/** Whether all of `some` is in `all`, in that order. */
function inOrder(some: readonly string[], all: readonly string[]): boolean {
  let at = 0
  for (const each of all) if (each === some[at]) at++
  return at === some.length
}

/** What in a request that sluice has sent could be read in another way. */
function oddities({ line, headers, framing, trailers }: Message): string[] {
  const found: string[] = []
  const count = (name: string) => headers.filter((each) => each.toLowerCase().startsWith(`${name}:`)).length
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e]+ HTTP\/1\.[01]$/.test(line)) found.push(line)
  for (const each of [...headers, ...trailers]) {
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\x00-\x08\x0a-\x1f\x7f]*$/.test(each)) found.push(each)
  }
  if (count('content-length') + count('transfer-encoding') > 1) found.push('two framings')
  if (count('host') > 1) found.push('two hosts')
  if (trailers.some((each) => /^(?:content-length|transfer-encoding|host):/i.test(each)))
    found.push('trailers')
  if (framing === 'length' && !/^\d+$/.test(fieldOf(headers, 'content-length') ?? '')) found.push('a length')
  if (framing === 'chunked' && fieldOf(headers, 'transfer-encoding')?.toLowerCase() !== 'chunked')
    found.push('a coding')
  return found
}

describe('a body behind an early answer', { skip, concurrency: false }, () => {
  const inner = 'GET /admin HTTP/1.1\r\nHost: a\r\nX-Id: inner\r\n\r\n'
  const bodies = {
    'with a length': [`Content-Length: ${inner.length}`, inner],
    'in chunks': ['Transfer-Encoding: chunked', `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`],
  } as const
  const answers = ['404 length=1 early', '404 length=1 early say-close', '404 length=1 early close']
  const cleanups: Cleanup[] = []
  const origin = new Origin()
  let port = 0

  before(async () => {
    await origin.listen()
    cleanups.push(() => origin.stop())
    ;[port = 0] = await startProxies(startSluice<string>, [origin.port], cleanups)
  })

  after(() => stopAll(cleanups))

  for (const [name, [framing, body]] of Object.entries(bodies)) {
    for (const answer of answers) {
      it(`${name}, answered with ${answer}`, async () => {
        origin.take('inner')
        const client = new SmugglingClient(port)
        client.send(`POST /c HTTP/1.1\r\nHost: a\r\nX-Id: outer\r\nX-Answer: ${answer}\r\n${framing}\r\n\r\n`)
        await client.until(() => client.answers.length === 1, 2000)
        // The origin is gone, if it is one that closes.
        await sleep(50)
        client.send(body)
        await client.settle(quiet)
        client.close()
        assert.deepEqual(
          client.answers.map(({ line }) => statusOf(line)),
          [404],
        )
        assert.equal(origin.take('inner').length, 0)
      })
    }
  }
})

const portsOf = (list: readonly { readonly port: number }[]): number[] => list.map(({ port }) => port)

describe('raw answers through sluice', { skip, concurrency: false }, () => {
  const cases = readRawCases('smuggling-answers')
  const cleanups: Cleanup[] = []
  const fronts = new Map<string, number[]>()
  const origins: AnswerOrigin[] = []
  const outcomes = new Map<string, Map<string, Outcome>>()

  interface Outcome {
    /** Status and body of the answer to the request for the case. */
    readonly first: string
    readonly complete: boolean
    /** What came for the next request of that connection, and for one on another connection. */
    readonly next: readonly string[]
  }

  before(async () => {
    const names = ['raw', 'haproxy', ...(nginx === undefined ? [] : ['nginx'])]
    for (let at = 0; at < names.length * lanes; at++) origins.push(await new AnswerOrigin().listen())
    cleanups.push(() => origins.forEach((each) => each.stop()))
    const ports = await startProxies(startSluice<string>, portsOf(origins), cleanups)
    const part = (at: number) => ports.slice(at * lanes, (at + 1) * lanes)
    fronts.set('raw', part(0))
    fronts.set('haproxy', await startProxies(startHaproxy<string>, part(1), cleanups))
    if (nginx !== undefined) {
      const running = await startNginx(nginx, part(2))
      cleanups.push(() => running.stop())
      fronts.set('nginx', [...running.ports])
    }
    await Promise.all(
      names.map(async (name, at) =>
        outcomes.set(name, await onLanes(cases, (each, lane) => run(name, each, lane, at * lanes + lane))),
      ),
    )
  })

  after(() => stopAll(cleanups))

  async function run(name: string, each: RawCase, lane: number, origin: number): Promise<Outcome> {
    const port = fronts.get(name)?.[lane] ?? 0
    origins[origin]?.begin(each)
    const method = each.flags.includes('HEAD') ? 'HEAD' : 'GET'
    const client = new SmugglingClient(port)
    client.send(`${method} /case HTTP/1.1\r\nHost: a\r\n\r\n`, method)
    await client.until(() => client.answers.some(({ complete }) => complete), 1500)
    const [first] = client.answers
    const next: string[] = []
    if (client.end === 'open' && first?.complete === true && first.framing !== 'tunnel') {
      client.send('GET /next HTTP/1.1\r\nHost: a\r\n\r\n')
      await client.until(() => client.answers.length > 1 && client.answers[1]?.complete === true, 1500)
      next.push(textOf(client.answers[1]))
    }
    await sleep(10)
    const other = new SmugglingClient(port)
    other.send('GET /next HTTP/1.1\r\nHost: a\r\n\r\n')
    await other.until(() => other.answers.some(({ complete }) => complete), 1500)
    next.push(textOf(other.answers[0]))
    client.close()
    other.close()
    const cut = client.end === 'reset' && first?.framing === 'close'
    return { first: textOf(first), complete: first?.complete === true && !cut, next }
  }

  it('there are 100 of them', () => assert.ok(cases.length >= 100))

  for (const name of ['raw', 'haproxy', ...(nginx === undefined ? [] : ['nginx'])]) {
    it(`${name}: the next requests get their own answers, or an error`, () => {
      const wrong = cases.flatMap((each) => {
        const next = outcomes.get(name)?.get(each.name)?.next ?? ['was not run']
        const bad = next.filter((text) => text !== '200 next' && !/^(?:none$|50[0234] )/.test(text))
        return bad.length === 0 ? [] : [`${each.name}: ${JSON.stringify(next)}`]
      })
      assert.deepEqual(wrong, [])
    })

    it(`${name}: nobody gets the response that was smuggled`, () => {
      const wrong = cases.filter((each) =>
        outcomes
          .get(name)
          ?.get(each.name)
          ?.next.some((text) => text.includes('smuggled')),
      )
      assert.deepEqual(
        wrong.map((each) => each.name),
        [],
      )
    })

    if (name === 'raw') continue
    it(`${name}: reads what sluice meant, or refuses it`, () => {
      const wrong = cases.flatMap((each) => {
        const [meant, read] = ['raw', name].map((hop) => outcomes.get(hop)?.get(each.name))
        if (read?.first === 'none' || /^50[024] /.test(read?.first ?? '')) return []
        if (meant?.complete !== true && read?.complete !== true) return []
        const same = meant?.first === read?.first && meant?.complete === read?.complete
        return same ? [] : [`${each.name}: ${JSON.stringify(read)} for ${JSON.stringify(meant)}`]
      })
      assert.deepEqual(wrong, [])
    })
  }
})

function textOf(answer: Message | undefined): string {
  return answer === undefined ? 'none' : `${statusOf(answer.line)} ${answer.body.slice(0, 200)}`
}

/** Answers `/case` with the bytes of a case, and everything else with `next`. */
class AnswerOrigin {
  readonly #server: Server
  #case: RawCase | undefined

  constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => {
      let text = ''
      socket.on('error', () => {})
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1')
        for (;;) {
          const message = readMessage(text, { side: 'request', ended: false })
          if (message?.complete !== true) return
          text = text.slice(message.used)
          if (!message.line.includes('/case'))
            socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext')
          else if (this.#case?.flags.includes('close') === true) socket.end(this.#case.bytes)
          else if (this.#case !== undefined) socket.write(this.#case.bytes)
        }
      })
    })
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  begin(each: RawCase): void {
    this.#case = each
  }

  stop(): void {
    this.#server.close()
  }
}
