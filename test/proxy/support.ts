/** Runs a proxy for a test: a configuration in a folder of its own, real sockets, origins that do as they are told. */
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import type { RequestListener, Server as HttpServer } from 'node:http'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createProxy, formatDiagnostic } from 'sluice/proxy'
import type { Endpoint } from 'sluice'
import { loadExtended } from '#src/proxy/loader.js'
import type { Extensions } from '#src/proxy/loader.js'
import { openPlan } from '#src/proxy/plan/sealed.js'
import type { LoadOptions, Plan, Proxy, ProxyOptions } from 'sluice/proxy'
import { freePorts } from '../support/ports.ts'
import { until } from '../support/until.ts'

/** What `t` of node:test gives. */
export interface Cleanup {
  after(callback: () => void | Promise<void>): void
}

/** A running proxy. */
export interface TestProxy {
  readonly proxy: Proxy
  /** The port of a frontend. */
  port(frontend?: string): number
  /** Everything that went to `log stderr` and `log stdout`. */
  readonly lines: string[]
  readonly dir: string
}

/** A folder with files, which goes away with the test. */
export function folder(t: Cleanup, files: Readonly<Record<string, string>>): string {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-proxy-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  return dir
}

/** Timeouts that no good test reaches, HTTP, and log lines to be looked at. */
export const defaults = `
defaults
  mode http
  log stderr format raw local0
  option httplog
  timeout client 5s
  timeout server 5s
  timeout connect 2s
`

/** HAProxy's language has no word for "any port": this one stands for it. */
const anyPort = 65_535

/** As the configuration was read, but for the ports: `plan` is made for this test alone. */
function letKernelChoose(plan: Plan): void {
  for (const { model } of openPlan(plan).proxies) {
    for (const bind of model.binds) {
      const endpoints = bind.endpoints as Endpoint[]
      for (const [at, each] of endpoints.entries()) {
        if (each.type === 'tcp' && each.port === anyPort) endpoints[at] = { ...each, port: 0 }
      }
    }
  }
}

/** Starts a proxy with `haproxy.cfg`; `bind 127.0.0.1:0` lets the kernel choose. */
export async function startProxy(
  t: Cleanup,
  config: string,
  options: ProxyOptions & {
    readonly files?: Readonly<Record<string, string>>
    readonly extensions?: Extensions
  } & Pick<LoadOptions, 'agents'> = {},
): Promise<TestProxy> {
  const { files = {}, extensions = {}, agents = {}, ...settings } = options
  const dir = folder(t, {
    ...files,
    'haproxy.cfg': `${config.replaceAll(/^(\s*bind \S*):0$/gm, `$1:${anyPort}`)}\n`,
  })
  const { plan, diagnostics } = loadExtended(
    { files: ['haproxy.cfg'], cwd: dir, env: process.env, agents },
    extensions,
  )
  if (plan === undefined) throw new Error(diagnostics.map(formatDiagnostic).join('\n'))
  letKernelChoose(plan)
  const lines: string[] = []
  const collect = (line: string) => void lines.push(line)
  const proxy = createProxy(plan, { stdout: collect, stderr: collect, ...settings })
  t.after(() => proxy.destroy())
  await proxy.start()
  return {
    proxy,
    lines,
    dir,
    port(frontend) {
      const [first] = proxy.addresses.values()
      const endpoint = (frontend === undefined ? first : proxy.addresses.get(frontend))?.[0]
      if (endpoint?.type !== 'tcp') throw new Error('it does not listen on a port')
      return endpoint.port
    },
  }
}

/** A client that sends and receives bytes. */
export class RawClient {
  readonly socket: Socket
  received = ''
  ended = false
  closed = false

  /** @param place a port, or the path of a unix socket */
  constructor(place: number | string, host = '127.0.0.1') {
    const where = typeof place === 'string' ? { path: place } : { port: place, host }
    this.socket = connect({ ...where, allowHalfOpen: true })
    this.socket.on('data', (chunk: Buffer) => void (this.received += chunk.toString('latin1')))
    this.socket.on('end', () => void (this.ended = true))
    this.socket.on('close', () => void (this.ended = this.closed = true))
    this.socket.on('error', () => {})
  }

  send(text: string): this {
    this.socket.write(Buffer.from(text, 'latin1'))
    return this
  }

  /** Waits for text, or a pattern, in all that came so far. */
  async until(wanted: string | RegExp): Promise<string> {
    const found = () =>
      typeof wanted === 'string' ? this.received.includes(wanted) : wanted.test(this.received)
    const what = (): string => `${String(wanted)} in ${JSON.stringify(this.received)}`
    await until(() => found() || this.ended, what)
    if (!found()) throw new Error(`it ended with ${JSON.stringify(this.received)}`)
    return this.received
  }

  /** Waits for the other side's end, and gives all that came. */
  async untilEnd(): Promise<string> {
    await until(
      () => this.ended,
      () => `the end after ${JSON.stringify(this.received)}`,
    )
    return this.received
  }

  destroy(): void {
    this.socket.destroy()
  }
}

/** Connects, sends, and closes with the test. */
export function rawClient(t: Cleanup, place: number | string, text = ''): RawClient {
  const client = new RawClient(place)
  t.after(() => client.destroy())
  if (text !== '') client.send(text)
  return client
}

/** Sends one request with `Connection: close` and gives the whole answer. */
export async function ask(t: Cleanup, port: number, start: string, ...headers: string[]): Promise<string> {
  const lines = [`${start} HTTP/1.1`, 'Host: a', ...headers, 'Connection: close', '', '']
  return rawClient(t, port, lines.join('\r\n')).untilEnd()
}

/** `GET path` on a connection that stays open. */
export function get(path: string, ...headers: string[]): string {
  return [`GET ${path} HTTP/1.1`, 'Host: a', ...headers, '', ''].join('\r\n')
}

/** An origin on node:http, on a port, or on a unix socket. */
export async function httpOrigin(
  t: Cleanup,
  listener: RequestListener,
  path?: string,
): Promise<{ readonly port: number; readonly server: HttpServer }> {
  const server = createHttpServer({ keepAliveTimeout: 10_000 }, listener)
  if (path === undefined) server.listen(0, '127.0.0.1')
  else server.listen(path)
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, server }
}

/** What a raw origin saw of one connection. */
export interface RawPeer {
  readonly socket: Socket
  received: string
}

/** An origin that answers each chunk as `answer` says; nothing when that is undefined. */
export async function rawOrigin(
  t: Cleanup,
  answer: (received: string, peer: RawPeer, connection: number) => string | undefined,
): Promise<{ readonly port: number; readonly server: Server; readonly peers: RawPeer[] }> {
  const peers: RawPeer[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const peer: RawPeer = { socket, received: '' }
    const connection = peers.push(peer)
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
    socket.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1')
      peer.received += text
      const reply = answer(text, peer, connection)
      if (reply !== undefined) socket.write(Buffer.from(reply, 'latin1'))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const { socket } of peers) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, server, peers }
}

/** A response with a length. */
export function reply(body: string, ...headers: string[]): string {
  const lines = [
    'HTTP/1.1 200 OK',
    ...headers,
    `Content-Length: ${Buffer.byteLength(body, 'latin1')}`,
    '',
    body,
  ]
  return lines.join('\r\n')
}

/** A port that nobody listens on. */
export async function deadPort(): Promise<number> {
  const [port = 0] = await freePorts(1)
  return port
}
