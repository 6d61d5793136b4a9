/** Servers that look at what clients of lent-support.ts have said, and say what they saw and what was asked for. */
import { Buffer } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { end, pair, pairs, record, startApp, tempDir } from '../fcgi/support.ts'
import type { Peer } from '../fcgi/support.ts'
import { bodyOf, chunksOf, cut, fields, verdictOn } from './lent-support.ts'
import type { Wanted } from './lent-support.ts'
import { httpOrigin } from './support.js'
import type { Cleanup } from './support.js'

function wantedOf(target: string): Wanted {
  const [id = 0, size = 0, answer = 0] = target.slice(1).split('/').map(Number)
  return { id, size, answer }
}

/** What an origin does beside looking at bodies. */
export interface Manners {
  /** It does not read bodies for so long, in milliseconds. @default 0 */
  readonly late?: number
  /** It answers 503 to each request at first. @default false */
  readonly refuses?: boolean
  /** Unix sockets hold little: who does not read is noticed soon. @default 'tcp' */
  readonly transport?: 'unix' | 'tcp'
}

/** Looks at the bodies of requests, and says with `X-Verdict` what it saw; even ids get their answer in chunks. */
export async function httpJudge(t: Cleanup, manners: Manners = {}): Promise<string> {
  const { late = 0, refuses = false, transport = 'tcp' } = manners
  const refused = new Set<string>()
  const read = (request: IncomingMessage, response: ServerResponse): void => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const target = request.url ?? ''
      const wanted = wantedOf(target)
      const isRefused = refuses && !refused.has(target)
      refused.add(target)
      response.statusCode = isRefused ? 503 : 200
      response.setHeader('X-Verdict', verdictOn(wanted, Buffer.concat(parts).toString('latin1')))
      response.setHeader('X-Id', wanted.id)
      const body = bodyOf(wanted.id, wanted.answer)
      if (wanted.id % 2 === 1) response.setHeader('Content-Length', body.length)
      else for (const part of cut(body, 20, 9000)) response.write(part, 'latin1')
      response.end(wanted.id % 2 === 1 ? body : undefined, 'latin1')
    })
  }
  const path = transport === 'unix' ? join(tempDir(t), 'origin.sock') : undefined
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    if (late === 0) read(request, response)
    else setTimeout(() => read(request, response), late)
  }
  const { port } = await httpOrigin(t, listener, path)
  return path === undefined ? `127.0.0.1:${port}` : `unix@${path}`
}

/** How an application says it: records of STDOUT, and of STDERR between them. */
const answers: readonly ((
  wanted: Wanted,
  verdict: string,
) => readonly (readonly ['STDOUT' | 'STDERR', string])[])[] = [
  ({ id, answer }, verdict) =>
    cut(
      `X-Id: ${id}\r\nX-Verdict: ${verdict}\r\nContent-Length: ${answer}\r\n\r\n${bodyOf(id, answer)}`,
      65_000,
    ).map((each) => ['STDOUT', each] as const),
  ({ id, answer }, verdict) => [
    ['STDOUT', `X-Id: ${id}\r\nX-Verd`],
    ['STDERR', `a line of ${id}\n`],
    ['STDOUT', `ict: ${verdict}\r\n`],
    ['STDOUT', '\r\n'],
    ...cut(bodyOf(id, answer), 1, 500, 9000).map((each) => ['STDOUT', each] as const),
  ],
  ({ id, answer }, verdict) => [
    ['STDOUT', `X-Id: ${id}\r\n${fields}X-Verdict: ${verdict}\r\nContent-Length: ${answer}\r\n\r\n`],
    ...cut(bodyOf(id, answer), 17_000).map((each) => ['STDOUT', each] as const),
    ['STDERR', `a line of ${id}\n`],
  ],
  ({ id, answer }, verdict) =>
    cut(
      `X-Id: ${id}\r\nX-Verdict: ${verdict}\r\nTransfer-Encoding: chunked\r\n\r\n${chunksOf(bodyOf(id, answer), 3, 4000)}`,
      150,
      11_000,
    ).map((each) => ['STDOUT', each] as const),
]

/** As {@link httpJudge}, an application: it multiplexes when it may, and its records are cut anywhere. */
export async function fcgiJudge(
  t: Cleanup,
  sizes: readonly number[],
  { refuses = false, transport = 'tcp' }: Manners = {},
): Promise<string> {
  const refused = new Set<string>()
  const app = await startApp(
    t,
    async (peer) => {
      const sender = new Segments(peer, sizes)
      const requests = new Map<number, { params: Buffer[]; stdin: Buffer[] }>()
      for (let each = await peer.next(); each !== undefined; each = await peer.next()) {
        const { type, id, content } = each
        if (type === 'BEGIN') requests.set(id, { params: [], stdin: [] })
        const request = requests.get(id)
        if (type === 'GET_VALUES') {
          const values = pair('FCGI_MPXS_CONNS', '1') + pair('FCGI_MAX_REQS', '20')
          sender.add(record('VALUES', 0, values))
        } else if (type === 'PARAMS') request?.params.push(content)
        else if (type === 'STDIN' && content.length > 0) request?.stdin.push(content)
        else if (type === 'STDIN' && request !== undefined) {
          const target = new Map(pairs(Buffer.concat(request.params))).get('REQUEST_URI') ?? ''
          const wanted = wantedOf(target)
          const verdict = verdictOn(wanted, Buffer.concat(request.stdin).toString('latin1'))
          const isRefused = refuses && !refused.has(target)
          refused.add(target)
          if (isRefused) sender.add(record('STDOUT', id, 'Status: 503\r\n\r\nno'))
          else {
            const said = answers[wanted.id % answers.length]?.(wanted, verdict) ?? []
            for (const [stream, text] of said) sender.add(record(stream, id, text, text.length % 8))
          }
          sender.add(record('STDOUT', id), end(id))
          requests.delete(id)
        }
      }
    },
    transport,
  )
  return transport === 'unix' ? `unix@${app.endpoint}` : app.endpoint
}

/** What all requests of a connection are answered, in segments of these sizes, each in a turn of its own. */
class Segments {
  readonly #peer: Peer
  readonly #sizes: readonly number[]
  #waiting: Buffer[] = []
  #count = 0
  #busy = false

  constructor(peer: Peer, sizes: readonly number[]) {
    this.#peer = peer
    this.#sizes = sizes
    peer.socket.setNoDelay(true)
  }

  add(...bytes: readonly Buffer[]): void {
    this.#waiting.push(...bytes)
    if (this.#busy) return
    this.#busy = true
    setImmediate(() => this.#send())
  }

  #send(): void {
    const bytes = Buffer.concat(this.#waiting)
    const size = this.#sizes[this.#count++ % this.#sizes.length] ?? bytes.length
    this.#waiting = size < bytes.length ? [bytes.subarray(size)] : []
    this.#busy = this.#waiting.length > 0
    if (!this.#peer.socket.destroyed) this.#peer.socket.write(bytes.subarray(0, size))
    if (this.#busy) setImmediate(() => this.#send())
  }
}
