/**
 * Peers for tests that play by a script, at the level of records. They have a small encoder and decoder of their own, so
 * that ours cannot agree with itself on the same mistake.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** A record as it was on the wire. */
export interface SeenRecord {
  readonly type: string
  readonly id: number
  readonly content: Buffer
  readonly padding: number
}

const names = 'BEGIN ABORT END PARAMS STDIN STDOUT STDERR DATA GET_VALUES VALUES UNKNOWN'.split(' ')

/** The bytes of a record. */
export function record(
  type: string | number,
  id: number,
  content: string | Buffer = '',
  padding = 0,
): Buffer {
  const code = typeof type === 'number' ? type : names.indexOf(type) + 1
  const body = typeof content === 'string' ? Buffer.from(content, 'latin1') : content
  const header = Buffer.from([1, code, id >> 8, id & 255, body.length >> 8, body.length & 255, padding, 0])
  return Buffer.concat([header, body, Buffer.alloc(padding)])
}

/** BEGIN_REQUEST. */
export function begin(id: number, { role = 1, keep = true } = {}): Buffer {
  return record('BEGIN', id, Buffer.from([0, role, keep ? 1 : 0, 0, 0, 0, 0, 0]))
}

/** END_REQUEST. */
export function end(id: number, protocolStatus = 0, appStatus = 0): Buffer {
  return record('END', id, Buffer.from([0, 0, appStatus >> 8, appStatus & 255, protocolStatus, 0, 0, 0]))
}

/** STDOUT with `text`, the empty STDOUT, END_REQUEST. */
export function reply(id: number, text = 'A: b\r\n\r\nhello'): Buffer {
  return Buffer.concat([record('STDOUT', id, text), record('STDOUT', id), end(id)])
}

/** A name-value pair with one-byte lengths. */
export function pair(name: string, value: string): string {
  assert.ok(name.length < 128 && value.length < 128)
  return String.fromCharCode(name.length, value.length) + name + value
}

/** BEGIN, PARAMS and, unless `stdin` is null, STDIN. */
export function request(
  id: number,
  params: Readonly<Record<string, string>>,
  stdin: string | null = '',
  options: { role?: number; keep?: boolean } = {},
): Buffer {
  const content = Object.entries(params).map(([name, value]) => pair(name, value))
  const records = [begin(id, options)]
  if (content.length > 0) records.push(record('PARAMS', id, content.join('')))
  records.push(record('PARAMS', id))
  if (stdin !== null) {
    if (stdin !== '') records.push(record('STDIN', id, stdin))
    records.push(record('STDIN', id))
  }
  return Buffer.concat(records)
}

/** The pairs of a PARAMS or GET_VALUES content. */
export function pairs(content: Buffer): [string, string][] {
  const found: [string, string][] = []
  let at = 0
  const length = () => {
    const first = content[at] ?? 0
    at += first < 128 ? 1 : 4
    return first < 128 ? first : content.readUInt32BE(at - 4) - 2 ** 31
  }
  while (at < content.length) {
    const nameSize = length()
    const valueSize = length()
    const name = content.toString('latin1', at, (at += nameSize))
    found.push([name, content.toString('latin1', at, (at += valueSize))])
  }
  return found
}

/** One end of a connection, played by a test. */
export class Peer {
  readonly socket: Socket
  /** Set when the other end has closed or reset the connection. */
  ended = false
  /** How many chunks came in, which is about how often the other end wrote. */
  chunks = 0
  #bytes = Buffer.alloc(0)
  #wake: (() => void) | undefined

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.chunks++
      this.#bytes = Buffer.concat([this.#bytes, chunk])
      this.#wake?.()
    })
    const over = () => {
      this.ended = true
      this.#wake?.()
    }
    socket.on('end', over).on('close', over).on('error', over)
  }

  send(...chunks: Buffer[]): void {
    this.socket.write(Buffer.concat(chunks))
  }

  /** The next record; undefined at the end of the connection. */
  async next(): Promise<SeenRecord | undefined> {
    for (;;) {
      const bytes = this.#bytes
      const size = bytes.length < 8 ? Infinity : 8 + bytes.readUInt16BE(4) + (bytes[6] ?? 0)
      if (bytes.length >= size) {
        this.#bytes = bytes.subarray(size)
        const [version, type = 0] = bytes
        assert.equal(version, 1)
        const content = bytes.subarray(8, 8 + bytes.readUInt16BE(4))
        return {
          type: names[type - 1] ?? String(type),
          id: bytes.readUInt16BE(2),
          content,
          padding: bytes[6] ?? 0,
        }
      }
      if (this.ended) return undefined
      await new Promise<void>((resolve, reject) => {
        // Not a bar to be met: it says where a test that hangs does.
        const timer = setTimeout(() => reject(new Error('no record for 20 s')), 20_000)
        timer.unref()
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  /** The next record, which must be of this type. */
  async expect(type: string, id?: number): Promise<SeenRecord> {
    const found = await this.next()
    assert.equal(found?.type, type)
    if (id !== undefined) assert.equal(found.id, id)
    return found
  }

  /** Records up to and with the first of `type` that is empty (or any END). */
  async until(type: string, id?: number): Promise<SeenRecord[]> {
    const seen: SeenRecord[] = []
    for (;;) {
      const found = await this.next()
      assert.ok(
        found !== undefined,
        `the connection ended before ${type}; seen ${seen.map((r) => r.type).join(' ')}`,
      )
      seen.push(found)
      const right = found.type === type && (id === undefined || found.id === id)
      if (right && (found.content.length === 0 || type === 'END')) return seen
    }
  }

  /** A whole request: its id, parameters and body. */
  async request(): Promise<{ id: number; params: Map<string, string>; body: string; keep: boolean }> {
    const first = await this.expect('BEGIN')
    const seen = await this.until('STDIN', first.id)
    const content = (type: string) =>
      Buffer.concat(
        seen.filter((each) => each.type === type && each.id === first.id).map((each) => each.content),
      )
    return {
      id: first.id,
      params: new Map(pairs(content('PARAMS'))),
      body: content('STDIN').toString('latin1'),
      keep: first.content[2] === 1,
    }
  }

  /** Resolves when the other end has closed. */
  async closed(): Promise<void> {
    while (!this.ended) await this.next()
  }
}

/** A test, or who undoes things for a suite. */
interface Cleanup {
  after(callback: () => void): void
}

/** A folder that is removed after the test. */
export function tempDir(t: Cleanup): string {
  const dir = mkdtempSync(join(tmpdir(), 'fcgi-test-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** An application that plays by a script: `script` is called for each connection, counted from 0. */
export interface ScriptedApp {
  readonly endpoint: string
  readonly peers: Peer[]
  /** Fails the test with what a script threw. */
  check(): void
}

/** Starts one on a unix socket, or over TCP. */
export async function startApp(
  t: Cleanup,
  script: (peer: Peer, index: number) => Promise<void> | void,
  transport: 'unix' | 'tcp' = 'unix',
): Promise<ScriptedApp> {
  const peers: Peer[] = []
  const failures: unknown[] = []
  const server = createServer((socket) => {
    const peer = new Peer(socket)
    peers.push(peer)
    Promise.resolve(script(peer, peers.length - 1)).catch((error: unknown) => {
      failures.push(error)
      socket.destroy()
    })
  })
  const path = join(tempDir(t), 'app.sock')
  await new Promise<void>((resolve) => {
    if (transport === 'unix') server.listen(path, resolve)
    else server.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => {
    for (const peer of peers) peer.socket.destroy()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  return {
    endpoint: transport === 'unix' ? path : `127.0.0.1:${port}`,
    peers,
    check: () => assert.deepEqual(failures, []),
  }
}

/** Connects to a responder as a gateway. */
export async function connectPeer(
  t: TestContext,
  target: { path: string } | { port: number },
): Promise<Peer> {
  const socket = 'path' in target ? connect(target.path) : connect(target.port, '127.0.0.1')
  t.after(() => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return new Peer(socket)
}
