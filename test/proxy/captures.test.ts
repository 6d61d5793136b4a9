/**
 * The captured conversations, with sluice in HAProxy's place: the same configuration and the same requests, and an agent that
 * says what the agent of the capture said. What it is told must be what that one was told, to the byte but for ids and names that
 * are new each time.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { createReader, decodeMessages, FrameSplitter, SpopFraming } from 'sluice/spop'
import type { Message } from 'sluice/spop'
import { ack, AgentPeer, cutFrame } from '../engine/scripted-agent.ts'
import type { RawFrame } from '../engine/scripted-agent.ts'
import { capturedConnections, capturedStream, capturedVersions, readCapture } from '../support/captures.ts'
import type { CapturedVersion } from '../support/captures.ts'
import { until } from '../support/until.ts'
import { RawClient, startProxy } from './support.ts'
import type { Cleanup } from './support.ts'

const config = (agent: number, mode: 'tcp' | 'spop'): string => `
defaults
  mode http
  timeout connect 2s
  timeout client 3s
  timeout server 3s
frontend fe
  bind 127.0.0.1:0
  unique-id-format uid-%{+X}o%rt
  filter spoe engine eng config spoe.conf
  http-request send-spoe-group eng grp if { path /group }
  http-response set-header X-Seen "%[var(txn.p.i)] %[var(txn.p.s)] %[var(txn.p.err)]"
  default_backend web
backend agents
  mode ${mode}
  timeout connect 1s
  timeout server 1m
  ${mode === 'tcp' ? 'option spop-check' : ''}
  server a 127.0.0.1:${agent} check inter 5s
`

const origin = (port: number): string => `
backend web
  server o 127.0.0.1:${port}
`

const spoe = (options: string): string => `
[eng]
spoe-agent ag
    messages echo-types echo-two echo-frag
    groups grp
    option var-prefix p
    option set-on-error err
    ${options}
    max-frame-size 1024
    timeout hello 1s
    timeout idle 3s
    timeout processing 500ms
    use-backend agents
spoe-message echo-types
    args b=bool(true) f=bool(false) i=int(300) n=int(-5) big=int(9223372036854775807) min=int(-9223372036854775808) s=str(hello) e=str() m=method ip=src ip6=ipv6(2001:db8::1) bin=bin(00ff10) nul=req.hdr(x-none) path src uid=unique-id hdrs=req.hdrs_bin
    event on-frontend-http-request
spoe-message echo-two
    args again=str(second) same=int(1) same=int(2)
    event on-frontend-http-request
spoe-message echo-frag
    args big=req.hdr(x-big)
    event on-frontend-http-request if { req.hdr(x-big) -m found }
spoe-message echo-group
    args s=str(from-a-group)
spoe-group grp
    messages echo-group
`

/** Frames of one direction of one connection. */
function framesOf(version: CapturedVersion, conn: number, from: string): RawFrame[] {
  const frames: RawFrame[] = []
  const splitter = new FrameSplitter(new SpopFraming(1 << 20))
  splitter.push(capturedStream(readCapture(version), conn, from))
  while (splitter.next()) {
    frames.push(cutFrame(Buffer.from(splitter.bytes.subarray(splitter.start, splitter.end))))
  }
  return frames
}

/** A NOTIFY with all its fragments. */
interface Told {
  /** The lengths of its frames. */
  readonly lengths: number[]
  readonly ids: string
  payload: Buffer
}

/** Puts fragments together. */
class Listener {
  readonly told: Told[] = []
  #open: Told | undefined

  /** Answers the NOTIFY that this frame completes. */
  take({ type, flags, ids, payload, hex }: RawFrame): Told | undefined {
    if (type !== 3 && type !== 0) return undefined
    const length = hex.length / 2
    if (type === 3) this.told.push((this.#open = { lengths: [length], ids, payload }))
    else if (this.#open !== undefined) {
      this.#open.lengths.push(length)
      this.#open.payload = Buffer.concat([this.#open.payload, payload])
    }
    return (flags & 1) === 0 ? undefined : this.#open
  }
}

/** Without the number of the request, which counts others too. */
const mask = (payload: Buffer): string =>
  payload.toString('latin1').replaceAll(/uid-[0-9A-F]{4}/g, 'uid-####')
/** Without the name of the engine, at the end. */
const maskId = (hex: string): string => hex.slice(0, -72)

/** What was said on all connections of a capture. */
class Conversation {
  readonly healthCheck: RawFrame
  readonly hello: RawFrame
  readonly answers: { readonly hello: string; readonly healthCheck: string }
  readonly told: Told[]
  /** By masked payload: what the agent's ACK carries. */
  readonly acks = new Map<string, Buffer>()
  /** With which words the connections were left. */
  readonly farewells: string[]

  constructor(version: CapturedVersion) {
    const connections = capturedConnections(readCapture(version))
    const ours = connections.map((conn) => framesOf(version, conn, 'haproxy'))
    const theirs = connections.map((conn) => framesOf(version, conn, 'agent'))
    this.healthCheck = ours[0]?.[0] ?? assert.fail()
    this.hello = ours[1]?.[0] ?? assert.fail()
    this.answers = {
      healthCheck: theirs[0]?.[0]?.hex ?? assert.fail(),
      hello: theirs[1]?.[0]?.hex ?? assert.fail(),
    }
    this.told = ours.flatMap((frames) => {
      const listener = new Listener()
      for (const each of frames) listener.take(each)
      return listener.told
    })
    const acks = theirs.flat().filter(({ type }) => type === 103)
    for (const { ids, payload } of this.told) {
      const found = acks.find((each) => each.ids === ids)
      if (found !== undefined) this.acks.set(mask(payload), found.payload)
    }
    const left = ours.flat().filter(({ type }) => type === 2)
    this.farewells = left.map(({ hex }) => hex)
  }

  /** The requests that made its NOTIFYs, as the client sent them. */
  requests(): string[] {
    return this.told.flatMap(({ payload }) => {
      const messages = decodeMessages(createReader(payload))
      return messages[0]?.name === 'echo-types' ? [requestOf(messages[0])] : []
    })
  }
}

function requestOf({ args }: Message): string {
  const value = (key: string) => {
    const data = args.find(([name, each]) => name === key && each.type !== 'null')?.[1]
    return data !== undefined && 'value' in data ? data.value : assert.fail()
  }
  const path = args.find(([name]) => name === '')?.[1]
  const target = path !== undefined && 'value' in path ? String(path.value) : ''
  const fields = pairsOf(value('hdrs') as Buffer).map(([name, text]) => `${name}: ${text}\r\n`)
  const body = fields.some((line) => line.startsWith('content-length')) ? 'x=1' : ''
  return `${String(value('m'))} ${target} HTTP/1.1\r\n${fields.join('')}\r\n${body}`
}

/** `req.hdrs_bin`: names and values with their lengths, up to an empty pair. */
function pairsOf(bytes: Buffer): [string, string][] {
  const texts: string[] = []
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at] ?? 0
    // Lengths of up to two bytes are all that there are, and of one to 2,500 that of x-big.
    const [length, size] = first < 240 ? [first, 1] : varint(bytes, at)
    texts.push(bytes.toString('latin1', at + size, at + size + length))
    at += size + length
  }
  const pairs: [string, string][] = []
  for (let at = 0; at + 1 < texts.length; at += 2) {
    if (texts[at] !== '') pairs.push([texts[at] ?? '', texts[at + 1] ?? ''])
  }
  return pairs
}

function varint(bytes: Buffer, at: number): [value: number, size: number] {
  let value = bytes[at] ?? 0
  let size = 1
  for (let shift = 4; ; shift += 7) {
    const next = bytes[at + size++] ?? 0
    value += next * 2 ** shift
    if (next < 128) return [value, size]
  }
}

/** The agent of the capture, and what sluice says to it. */
class CapturedAgent {
  readonly told: Told[] = []
  readonly hellos: string[] = []
  readonly healthChecks: string[] = []
  readonly farewells: string[] = []
  readonly peers: AgentPeer[] = []
  port = 0

  async listen(t: Cleanup, { answers, acks }: Conversation): Promise<void> {
    const server = createServer((socket) => {
      const peer = new AgentPeer(socket)
      const listener = new Listener()
      this.peers.push(peer)
      peer.onFrame((each) => {
        if (each.type === 1) {
          const isCheck = each.hex.includes(Buffer.from('healthcheck').toString('hex'))
          ;(isCheck ? this.healthChecks : this.hellos).push(each.hex)
          peer.send(isCheck ? answers.healthCheck : answers.hello)
        }
        if (each.type === 2) this.farewells.push(each.hex)
        const told = listener.take(each)
        if (told === undefined) return
        this.told.push(told)
        const actions = acks.get(mask(told.payload))
        if (actions !== undefined) peer.send(ack(told.ids, actions.toString('hex')))
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    this.port = (server.address() as AddressInfo).port
    t.after(() => {
      for (const { socket } of this.peers) socket.destroy()
      server.close()
    })
  }
}

async function ask(port: number, request: string): Promise<string> {
  const client = new RawClient(port)
  const answer = await client.send(request).until(/\r\n\r\nok$/)
  client.destroy()
  return /x-seen: ([^\r]*)\r/.exec(answer)?.[1] ?? answer
}

async function startOrigin(t: Cleanup): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', () => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => void server.close())
  return (server.address() as AddressInfo).port
}

const normal = Buffer.from('normal').toString('hex')
const isBig = (request: string): boolean => request.includes('/frag')

/** HAProxy 3.1 and later say nothing of this request, so they have not said how it looks. */
const anyBig = new Conversation('2.6.12').requests().find(isBig) ?? assert.fail()

describe('sluice in the place of the HAProxy of a capture', () => {
  for (const version of capturedVersions) {
    it(version, async (t) => {
      const mux = !/^(2|3\.0)/.test(version)
      const capture = new Conversation(version)
      const agent = new CapturedAgent()
      await agent.listen(t, capture)
      const text = config(agent.port, mux ? 'spop' : 'tcp') + origin(await startOrigin(t))
      const files = { 'spoe.conf': spoe(mux ? '' : 'option async') }
      const sluice = await startProxy(t, text, { files })
      const port = sluice.port('fe')
      await until(() => agent.healthChecks.length > 0, 'a health check')

      const [one, group, ...burst] = capture.requests().filter((request) => !isBig(request))
      assert.equal(await ask(port, one ?? assert.fail()), '300 hello ')
      assert.equal(await ask(port, group ?? assert.fail()), '300 from-a-group ')
      // Too much for a frame; or the agent's answer is.
      const big = capture.requests().find(isBig) ?? anyBig
      assert.equal(await ask(port, big), mux ? '  3' : '  259')
      await Promise.all(burst.map(async (request) => assert.equal(await ask(port, request), '300 hello ')))

      const shown = (list: readonly Told[]) =>
        list.map(({ lengths, payload }) => `${lengths.join()} ${mask(payload)}`).toSorted()
      assert.deepEqual(shown(agent.told), shown(capture.told))
      assert.deepEqual(agent.healthChecks[0], capture.healthCheck.hex)
      assert.deepEqual(maskId(agent.hellos[0] ?? ''), maskId(capture.hello.hex))
      if (mux)
        assert.deepEqual(
          agent.told.slice(0, 3).map(({ ids }) => ids),
          ['0101', '0301', '0501'],
        )

      await sluice.proxy.close()
      const last = agent.peers.at(-1)
      await last?.closed
      assert.equal(last?.end, mux ? 'reset' : 'fin')
      assert.deepEqual(
        new Set(agent.farewells.slice(mux ? 0 : 1)),
        new Set(capture.farewells.filter((hex) => hex.endsWith(normal))),
      )
    })
  }
})
