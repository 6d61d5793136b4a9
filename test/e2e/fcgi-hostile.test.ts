/**
 * Each application of the folder hostile, asked by the client library and by the proxy, with and without multiplexing: what the client
 * is told, that the next request is served, and that nothing is left behind.
 */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { createFcgiClient, FcgiError } from 'sluice/fcgi'
import type { FcgiClient, FcgiResponse } from 'sluice/fcgi'
import { reply, startApp } from '../fcgi/support.ts'
import type { Peer, ScriptedApp } from '../fcgi/support.ts'
import { RawHttp } from '../support/raw-http.ts'
import { startSluice } from '../support/sluice.ts'
import type { Sluice } from '../support/sluice.ts'
import { until } from '../support/until.ts'
import type { Hostile } from './hostile/application.ts'
import { hostileRecords } from './hostile/records.ts'
import { hostileResponses } from './hostile/responses.ts'
import { hostileTempers } from './hostile/tempers.ts'

const hostileApplications = [...hostileRecords, ...hostileResponses, ...hostileTempers]

/** How long is waited for those of whom nothing comes, in milliseconds. */
const silence = 600
const bodySize = 1_000_000

const good: Hostile = {
  what: 'good',
  play: async (peer, id) => {
    await peer.until('STDIN', id)
    peer.send(reply(id, 'A: b\r\n\r\ngood'))
  },
  library: '200 good',
  proxy: '200 good',
}

/** What the applications do with the next request. */
let current = good

async function serve(peer: Peer): Promise<void> {
  if (current.atOnce) return current.play(peer, 0, () => false)
  for (let first = await peer.next(); first !== undefined; first = await peer.next()) {
    // What is left of a request that was answered early.
    const row = current
    if (first.type === 'BEGIN') await row.play(peer, first.id, () => row === current)
  }
}

const shown = (text: string) => (text.length > 40 ? `${text.length} bytes` : text)

type Ask = (row: Hostile) => Promise<string>

/** One way to ask. */
interface Way {
  readonly name: string
  readonly isMultiplexed: boolean
  readonly app: ScriptedApp
  readonly ask: Ask
}

const multiplexed = { multiplex: true, maxRequests: 4 } as const

interface LibraryWay extends Way {
  readonly client: FcgiClient
  readonly close: () => Promise<unknown>
}

function libraryWay(name: string, app: ScriptedApp, options: Partial<typeof multiplexed> = {}): LibraryWay {
  const shared = { endpoint: app.endpoint, maxConnections: 4, ...options }
  const client = createFcgiClient(shared)
  const hurried = createFcgiClient({ ...shared, responseTimeout: silence })
  const ask: Ask = async ({ method = 'GET', silent = false }) => {
    const body = method === 'POST' ? { body: Buffer.alloc(bodySize, 'x') } : {}
    const params = new Map([['REQUEST_METHOD', method]])
    try {
      return await readResponse(await (silent ? hurried : client).request({ params, ...body }))
    } catch (error) {
      return codeOf(error)
    }
  }
  const isMultiplexed = options.multiplex === true
  return {
    name,
    isMultiplexed,
    app,
    ask,
    client,
    close: () => Promise.all([client.close(), hurried.close()]),
  }
}

const codeOf = (error: unknown) => (error instanceof FcgiError ? error.code : String(error))

async function readResponse(response: FcgiResponse): Promise<string> {
  let text = ''
  try {
    for await (const piece of response.body as AsyncIterable<Buffer>) text += piece.toString('latin1')
  } catch (error) {
    return `${response.status} cut ${codeOf(error)}`
  }
  return `${response.status} ${shown(text)}`
}

type Running = Sluice<'fe' | 'hurried'>

interface ProxyWay extends Way {
  readonly sluice: Running
}

function proxyWay(name: string, app: ScriptedApp, sluice: Running, isMultiplexed: boolean): ProxyWay {
  const ask: Ask = async ({ method = 'GET', silent = false }) => {
    const client = new RawHttp(silent ? sluice.ports.hurried : sluice.ports.fe)
    const size = method === 'POST' ? bodySize : 0
    client.send(`${method} / HTTP/1.1\r\nHost: a\r\n${size > 0 ? `Content-Length: ${size}\r\n` : ''}\r\n`)
    client.send(Buffer.alloc(size, 'x'))
    try {
      return await readReply(client, method === 'HEAD')
    } catch (error) {
      return /body was cut/.test(String(error)) ? '200 cut' : String(error)
    } finally {
      client.close()
    }
  }
  return { name, isMultiplexed, app, ask, sluice }
}

async function readReply(client: RawHttp, head: boolean): Promise<string> {
  let answer = await client.reply(head)
  while (typeof answer === 'object' && / 1\d\d /.test(answer.line)) answer = await client.reply(head)
  if (typeof answer === 'string') return answer
  const status = answer.line.split(' ')[1] ?? ''
  return status >= '500' ? status : `${status} ${shown(answer.body)}`
}

async function startProxy(app: ScriptedApp, options: string): Promise<Running> {
  return startSluice({
    ports: ['fe', 'hurried'],
    config: ({ fe, hurried }) => `
defaults
  mode http
  retries 1
  timeout client 20s
  timeout connect 5s
frontend fe
  bind 127.0.0.1:${fe}
  default_backend be
frontend hurried
  bind 127.0.0.1:${hurried}
  default_backend hurried
fcgi-app app
  docroot /srv
  ${options}
backend be
  use-fcgi-app app
  timeout server 20s
  server s ${app.endpoint} proto fcgi
backend hurried
  use-fcgi-app app
  timeout server ${silence}
  server s ${app.endpoint} proto fcgi
`,
  })
}

const openFiles = (pid: number) => readdirSync(`/proc/${pid}/fd`).length
const openPeers = ({ peers }: ScriptedApp) => peers.filter(({ ended }) => !ended).length
const timers = () => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length

describe('a hostile application', () => {
  const cleanups: (() => void | Promise<void>)[] = []
  const t = {
    after: (cleanup: () => void | Promise<void>) => void cleanups.push(cleanup),
  } as unknown as TestContext
  let libraries: LibraryWay[] = []
  const proxies: ProxyWay[] = []
  let filesBefore: number[] = []
  const timersBefore = timers()

  before(async () => {
    libraries = [
      libraryWay('library', await startApp(t, serve)),
      libraryWay('library, multiplexed', await startApp(t, serve), multiplexed),
    ]
    for (const [name, options] of [
      ['proxy', ''],
      ['proxy, multiplexed', 'option mpxs-conns\n  option max-reqs 4'],
    ] as const) {
      const app = await startApp(t, serve)
      const sluice = await startProxy(app, options)
      t.after(() => sluice.stop())
      proxies.push(proxyWay(name, app, sluice, options !== ''))
    }
    for (const way of [...libraries, ...proxies]) assert.equal(await way.ask(good), good.library)
    filesBefore = proxies.map(({ app, sluice }) => openFiles(sluice.pid) - openPeers(app))
  })
  after(async () => {
    for (const cleanup of cleanups.toReversed()) await cleanup()
  })

  /** Asks in all ways at once. */
  async function expectAll(row: Hostile, ways: readonly Way[]): Promise<void> {
    current = row
    const answers = await Promise.all(ways.map(({ ask }) => ask(row)))
    for (const [at, way] of ways.entries()) {
      const expected = proxies.some((each) => each === way) ? row.proxy : row.library
      if (!expected.split('|').includes(answers[at] ?? '')) assert.equal(answers[at], expected, way.name)
    }
  }

  for (const row of hostileApplications) {
    it(row.what, async () => {
      const ways = [...libraries, ...proxies].filter((way) => !(way.isMultiplexed && row.stands))
      await expectAll(row, ways)
      await expectAll(good, ways)
    })
  }

  it('has been one of many', () => assert.ok(hostileApplications.length >= 60))

  it('leaves nothing behind in the library', async () => {
    for (const { client, app } of libraries) {
      assert.equal(client.stats.active, 0)
      // Who reads nothing does not see the end of a connection.
      for (const { socket } of app.peers) socket.resume()
    }
    await Promise.all(libraries.map((way) => way.close()))
    await until(() => libraries.every(({ app }) => openPeers(app) === 0))
    assert.equal(timers(), timersBefore)
  })

  it('leaves nothing behind in the proxy', async () => {
    for (const [at, { app, sluice }] of proxies.entries()) {
      for (const { socket } of app.peers) socket.resume()
      // Connections of clients, and to applications, are closed a moment later.
      await until(() => openFiles(sluice.pid) - openPeers(app) <= (filesBefore[at] ?? 0))
      sluice.cli.signal('SIGUSR1')
      assert.equal((await sluice.cli.ended).code, 0)
      assert.doesNotMatch(sluice.logs(), /\n {4}at /)
      await until(() => openPeers(app) === 0)
    }
  })
})
