/** `sluice run`: it listens, closes gracefully, and says clearly why it cannot. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { createServer as createNetServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { askOnce, RawHttp } from '../support/raw-http.ts'
import { Cli, makeFolder, startSluice } from '../support/sluice.ts'

let origin: Server
let originPort: number
/** Lets the origin answer `/slow`. */
let answerSlow: () => void = () => {}
let slowAsked: Promise<void>

before(async () => {
  let onSlow = (): void => {}
  slowAsked = new Promise((resolve) => (onSlow = resolve))
  origin = createServer((request, response) => {
    if (request.url !== '/slow') return response.end('fast')
    answerSlow = () => response.end('slow')
    onSlow()
    return undefined
  })
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
  originPort = (origin.address() as AddressInfo).port
})
after(() => {
  origin.closeAllConnections()
  origin.close()
})

const defaults = `defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 1s
`

const start = (args: readonly string[] = []) =>
  startSluice({
    ports: ['a', 'b'],
    args,
    config: ({ a, b }) => `${defaults}
listen first
  bind 127.0.0.1:${a}
  server s 127.0.0.1:${originPort}
frontend second
  bind 127.0.0.1:${b}
  http-request return status 204
`,
  })

const get = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`

test('it says where it listens, and serves, whatever else a HAProxy may be told by signals', async () => {
  const sluice = await start()
  try {
    assert.equal(
      sluice.cli.stdout,
      `first: listening on 127.0.0.1:${sluice.ports.a}\nsecond: listening on 127.0.0.1:${sluice.ports.b}\n`,
    )
    const first = await askOnce(sluice.ports.a, get('/'))
    assert.equal(typeof first === 'string' ? first : first.body, 'fast')
    const second = await askOnce(sluice.ports.b, get('/'))
    assert.equal(typeof second === 'string' ? second : second.line, 'HTTP/1.1 204 No Content')
    for (const signal of ['SIGHUP', 'SIGUSR2', 'SIGPIPE'] as const) {
      sluice.cli.signal(signal)
      if (signal !== 'SIGPIPE') await sluice.cli.waitFor(new RegExp(`${signal}: there is no reload`))
    }
    const third = await askOnce(sluice.ports.b, get('/'))
    assert.equal(typeof third === 'string' ? third : third.line, 'HTTP/1.1 204 No Content')
    sluice.cli.signal('SIGINT')
    assert.equal((await sluice.cli.ended).code, 0)
  } finally {
    await sluice.stop()
  }
})

test('SIGTERM: requests in progress are finished, idle connections closed, new ones refused', async () => {
  const sluice = await start()
  try {
    const idle = new RawHttp(sluice.ports.a)
    idle.send(get('/'))
    await idle.reply()
    const busy = new RawHttp(sluice.ports.a)
    busy.send(get('/slow'))
    await slowAsked
    sluice.cli.signal('SIGTERM')
    await sluice.cli.waitFor(/SIGTERM: closing, once more to close at once/)
    assert.equal(await idle.ended(), 'closed')
    assert.equal(await askOnce(sluice.ports.a, get('/')), 'reset')
    assert.ok(sluice.cli.running, 'a request is in progress')
    answerSlow()
    const reply = await busy.reply()
    assert.equal(typeof reply === 'string' ? reply : reply.body, 'slow')
    assert.equal(await busy.ended(), 'closed')
    const { code, stderr } = await sluice.cli.ended
    assert.equal(code, 0)
    assert.doesNotMatch(stderr, /Error|at file:/)
  } finally {
    await sluice.stop()
  }
})

test('hard-stop-after: who is connected then is cut off, logged, and it ends with 0, as HAProxy does', async () => {
  const sluice = await startSluice({
    ports: ['a', 'b'],
    config: ({ a, b }) => `global
  hard-stop-after 300ms
${defaults.replaceAll('5s', '60s')}
  log stdout format raw local0
  option httplog
frontend half
  bind 127.0.0.1:${a}
  http-request return status 204
listen tcp
  mode tcp
  option tcplog
  bind 127.0.0.1:${b}
  server s 127.0.0.1:${originPort}
`,
  })
  try {
    const half = new RawHttp(sluice.ports.a)
    half.send('GET / HT')
    const tunnel = new RawHttp(sluice.ports.b)
    tunnel.send(get('/'))
    await tunnel.reply()
    sluice.cli.signal('SIGUSR1')
    assert.equal((await sluice.cli.ended).code, 0)
    assert.notEqual(await half.ended(), 'open')
    assert.notEqual(await tunnel.ended(), 'open')
    assert.match(sluice.cli.stderr, /hard-stop-after: clients are cut off/)
    assert.match(sluice.cli.stdout, / tcp tcp\/s \S+ \d+ /)
  } finally {
    await sluice.stop()
  }
})

for (const [signal, code] of [
  ['SIGTERM', 143],
  ['SIGINT', 130],
  ['SIGUSR1', 138],
] as const) {
  test(`a second ${signal} ends it at once`, async () => {
    const sluice = await start()
    try {
      const busy = new RawHttp(sluice.ports.a)
      busy.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n')
      busy.send('half')
      // Answered by the other frontend: the first has read its request by then.
      await askOnce(sluice.ports.b, get('/'))
      sluice.cli.signal(signal)
      await sluice.cli.waitFor(/once more/)
      sluice.cli.signal(signal)
      assert.equal((await sluice.cli.ended).code, code)
      busy.close()
    } finally {
      await sluice.stop()
    }
  })
}

test('a connection without a request in progress is closed at once, whatever came before', async () => {
  const states: Record<string, (client: RawHttp) => Promise<unknown>> = {
    'nothing was sent': () => Promise.resolve(),
    'one request was answered': async (client) => {
      client.send(get('/'))
      await client.reply()
    },
    'two pipelined requests were answered': async (client) => {
      client.send(get('/') + get('/'))
      await client.reply()
      await client.reply()
    },
  }
  // Longer than the test may take: no time-out can close them.
  const sluice = await startSluice({
    ports: ['a'],
    config: ({ a }) =>
      `${defaults.replaceAll('5s', '60s')}\nlisten first\n  bind 127.0.0.1:${a}\n  server s 127.0.0.1:${originPort}\n`,
  })
  try {
    const clients = await Promise.all(
      Object.entries(states).map(async ([state, prepare]) => {
        const client = new RawHttp(sluice.ports.a)
        await prepare(client)
        return { state, client }
      }),
    )
    // Behind all of the others, so that they are accepted and their bytes read.
    await askOnce(sluice.ports.a, get('/'))
    sluice.cli.signal('SIGTERM')
    const late = new Promise((resolve) => setTimeout(resolve, 10_000, 'still open').unref())
    for (const { state, client } of clients) {
      assert.equal(await Promise.race([client.ended(), late]), 'closed', state)
    }
    assert.equal((await sluice.cli.ended).code, 0)
  } finally {
    await sluice.stop()
  }
})

test('a port that is taken is named with its line, and nothing stays open', async () => {
  const taken = createNetServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  const { port } = taken.address() as AddressInfo
  const { dir, remove } = makeFolder({
    'haproxy.cfg': `${defaults}
frontend fine
  bind unix@fine.sock
  http-request return status 204
frontend taken
  bind 127.0.0.1:${port}
  http-request return status 204
`,
  })
  const cli = new Cli(['run', '-f', 'haproxy.cfg'], { cwd: dir })
  try {
    const { code, stdout, stderr } = await cli.ended
    assert.match(stderr, new RegExp(`haproxy\\.cfg:11: bind 127\\.0\\.0\\.1:${port}: .*(in use|EADDRINUSE)`))
    assert.match(stderr, /\(ERR_PROXY_LISTEN\)\n$/)
    assert.equal(stderr.trim().split('\n').length, 1)
    assert.equal(stdout, '')
    assert.equal(code, 1)
  } finally {
    await cli.stop()
    taken.close()
    remove()
  }
})

test('an address that is not of this machine', async () => {
  const { dir, remove } = makeFolder({
    'haproxy.cfg': `${defaults}\nfrontend far\n  bind 192.0.2.1:18123\n  http-request return status 204\n`,
  })
  const cli = new Cli(['run', '-f', 'haproxy.cfg'], { cwd: dir })
  try {
    const { code, stderr } = await cli.ended
    assert.match(stderr, /haproxy\.cfg:8: bind 192\.0\.2\.1:18123: .*EADDRNOTAVAIL/)
    assert.equal(code, 1)
  } finally {
    await cli.stop()
    remove()
  }
})

test('--status opens a port beside it', async () => {
  const sluice = await start(['--status', ':0'])
  try {
    const [, url = ''] = await sluice.cli.waitFor(/status on (\S+)/)
    await askOnce(sluice.ports.b, get('/'))
    const page = await (await fetch(url)).text()
    for (const part of ['haproxy.cfg', 'first/s', '>second<']) assert.ok(page.includes(part), part)
    assert.equal((await fetch(`${url}readyz`)).status, 200)
  } finally {
    await sluice.stop()
  }
})

test('--status that cannot be opened ends it, and says why', async () => {
  const { dir, remove } = makeFolder({
    'haproxy.cfg': `${defaults}\nfrontend a\n  bind unix@a.sock\n  http-request return status 204\n`,
  })
  try {
    for (const [address, said] of [
      [`127.0.0.1:${originPort}`, /status port: .*EADDRINUSE.*ERR_PROXY_LISTEN/],
      ['nowhere', /nowhere.*ERR_SLUICE_ADDRESS/],
    ] as const) {
      const { code, stderr } = await new Cli(['run', '-f', 'haproxy.cfg', '--status', address], { cwd: dir })
        .ended
      assert.match(stderr, said)
      assert.equal(code, 1)
    }
  } finally {
    remove()
  }
})

test('--log-level silences', async () => {
  const sluice = await start(['--log-level', 'error'])
  try {
    await askOnce(sluice.ports.a, 'nonsense\r\n\r\n')
    sluice.cli.signal('SIGTERM')
    const { stderr } = await sluice.cli.ended
    assert.doesNotMatch(stderr, /^\S+ (debug|info|warn) /m)
  } finally {
    await sluice.stop()
  }
})
