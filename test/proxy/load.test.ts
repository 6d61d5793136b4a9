import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openPlan } from '#src/proxy/plan/sealed.js'
import { createProxy, formatDiagnostic, loadProxy } from 'sluice/proxy'
import { until } from '../support/until.ts'
import { defaults, folder, get, rawClient, rawOrigin, reply, startProxy } from './support.js'
import type { Cleanup } from './support.js'

function load(t: Cleanup, files: Readonly<Record<string, string>>, env: Record<string, string> = {}) {
  const cwd = folder(t, files)
  return loadProxy({ files: ['haproxy.cfg'], cwd, env })
}

const complaints = (loaded: ReturnType<typeof loadProxy>): string[] =>
  loaded.diagnostics.map(formatDiagnostic)

describe('loadProxy', () => {
  it('reports everything that is wrong, with its place, and gives no plan', (t) => {
    const loaded = load(t, {
      'haproxy.cfg': `${defaults}frontend fe
  bind 127.0.0.1:8080
  filter spoe engine x config missing.conf
  filter spoe engine y config spoe.conf
  errorfile 503 nope.http
  errorfile 502 bad.http
  http-request set-header "X Y" a
  http-request deny if { path -f nowhere.lst }
  http-request set-var(txn.a) src rubbish
  http-response del-header "(" -m reg
  use_backend nobody if undeclared
  log /dev/log local0
`,
      'bad.http': 'not http',
      'spoe.conf':
        '[y]\nspoe-agent a\n  messages m\n  use-backend none\nspoe-message m\n  args nonsense_fetch\n  event on-frontend-http-request\n',
    })
    assert.equal(loaded.plan, undefined)
    const all = complaints(loaded)
    for (const wanted of [
      /^haproxy\.cfg:11:\d+: error: the SPOE file 'missing\.conf' cannot be read: ENOENT/,
      /^haproxy\.cfg:13:\d+: error: the errorfile 'nope\.http' cannot be read/,
      /^haproxy\.cfg:14:\d+: error: 'bad\.http' is not an HTTP response/,
      /^haproxy\.cfg:15:\d+: error: 'X Y' is not a header name/,
      /^haproxy\.cfg:16:\d+: error: .*nowhere\.lst/,
      /^haproxy\.cfg:17:\d+: error: .*rubbish/,
      /^haproxy\.cfg:18:\d+: error: regular expression '\('/,
      /^haproxy\.cfg:19:\d+: error: .*nobody/,
      /^haproxy\.cfg:19:\d+: error: .*undeclared/,
      /^haproxy\.cfg:20:\d+: warning: log lines cannot be sent to '\/dev\/log'/,
      /^spoe\.conf:4:\d+: error: .*none/,
      /^spoe\.conf:6:\d+: error: .*nonsense_fetch/,
    ]) {
      assert.ok(
        all.some((each) => wanted.test(each)),
        `${String(wanted)} in\n${all.join('\n')}`,
      )
    }
  })

  it('says which configuration file is missing', (t) => {
    const loaded = loadProxy({ files: ['nope.cfg'], cwd: folder(t, {}) })
    assert.match(
      complaints(loaded)[0] ?? '',
      /^nope\.cfg:1:1: error: the configuration 'nope\.cfg' cannot be read: ENOENT/,
    )
    assert.equal(loaded.plan, undefined)
  })

  it('reads several files and the .cfg files of folders', (t) => {
    const cwd = folder(t, {
      'b.cfg': 'backend b\n',
      'a.cfg': `${defaults}frontend a\n  bind 127.0.0.1:1\n  default_backend b\n`,
      'c.txt': 'rubbish',
    })
    const { plan } = loadProxy({ files: ['.'], cwd })
    assert.ok(plan)
    const { proxies } = openPlan(plan)
    assert.deepEqual(
      proxies.map((each) => each.model.name),
      ['a', 'b'],
    )
    assert.equal(proxies[0]?.defaultBackend, proxies[1])
  })

  it('knows which variables an agent may set', (t) => {
    const { plan } = load(t, {
      'haproxy.cfg': `${defaults}frontend fe
  bind 127.0.0.1:8080
  filter spoe engine careful config spoe.conf
  filter spoe engine trusting config spoe.conf
  http-request set-header X "%[var(txn.c.read)]"
backend agents
  mode tcp
`,
      'spoe.conf': ['careful', 'trusting']
        .map(
          (name) => `[${name}]
spoe-agent ${name}
  option var-prefix ${name[0]}
  timeout processing 1s
  use-backend agents
${name === 'careful' ? '  register-var-names known' : '  option force-set-var'}
`,
        )
        .join(''),
    })
    assert.ok(plan)
    const [careful, trusting] = openPlan(plan).proxies[0]?.filters ?? []
    assert.equal(careful?.maySet('txn', 'c.read'), true)
    assert.equal(careful?.maySet('sess', 'c.read'), false)
    assert.equal(careful?.maySet('txn', 'c.other'), false)
    for (const scope of ['proc', 'sess', 'txn', 'req', 'res'])
      assert.equal(careful?.maySet(scope, 'c.known'), true)
    assert.equal(trusting?.maySet('txn', 't.anything'), true)
  })

  it('keeps bytes that are not ASCII, and shows them as people read them', async (t) => {
    const origin = await rawOrigin(t, () => reply('ok'))
    const proxy = await startProxy(
      t,
      `${defaults}
frontend fe
  bind 127.0.0.1:0
  http-request set-header X-A "grün $UMLAUT"
  default_backend be
backend be
  server s 127.0.0.1:${origin.port}
`,
      {},
    )
    const client = rawClient(t, proxy.port(), get('/'))
    await client.until('ok')
    const seen = Buffer.from(origin.peers[0]?.received ?? '', 'latin1').toString('utf8')
    assert.match(seen, /x-a: grün/)
    const loaded = load(t, { 'haproxy.cfg': 'frontend fe\n  bind ü\n' })
    assert.ok(complaints(loaded).some((each) => each.includes("'ü'")))
  })
})

describe('createProxy', () => {
  it('names the line and the address that it cannot listen on, and gives the others back', async (t) => {
    const taken = createServer()
    taken.listen(0, '127.0.0.1')
    await once(taken, 'listening')
    t.after(() => void taken.close())
    const { port } = taken.address() as AddressInfo
    const dir = folder(t, {})
    const socket = join(dir, 'free.sock')
    const { plan } = load(t, {
      'haproxy.cfg': `${defaults}frontend fe\n  bind ${socket}\n  bind 127.0.0.1:${port}\n`,
    })
    assert.ok(plan)
    const proxy = createProxy(plan)
    await assert.rejects(proxy.start(), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'ERR_PROXY_LISTEN')
      assert.match(
        error.message,
        new RegExp(`haproxy\\.cfg:11: bind 127\\.0\\.0\\.1:${port}: listen EADDRINUSE`),
      )
      return true
    })
    assert.equal(proxy.stats.connections, 0)
    const again = createServer()
    again.listen(socket)
    await once(again, 'listening')
    again.close()
  })

  it('refuses what is no plan', (t) => {
    const { plan } = load(t, { 'haproxy.cfg': `${defaults}frontend fe\n  bind 127.0.0.1:1\n` })
    assert.ok(plan)
    assert.deepEqual(Object.keys(plan), [])
    assert.throws(() => createProxy({ ...plan }), { code: 'ERR_SLUICE_OPTION' })
  })

  it('refuses unknown options', (t) => {
    const { plan } = load(t, { 'haproxy.cfg': `${defaults}frontend fe\n  bind 127.0.0.1:1\n` })
    assert.ok(plan)
    assert.throws(() => createProxy(plan, { maxHeads: 1 } as object), { code: 'ERR_SLUICE_OPTION' })
  })

  it('closes gracefully: requests are finished, idle connections closed, nothing new accepted', async (t) => {
    let release: () => void = () => {}
    const origin = await rawOrigin(t, (text, peer) => {
      if (text.includes('/fast')) return reply('fast')
      release = () => void peer.socket.write(reply('slow'))
      return undefined
    })
    const proxy = await startProxy(
      t,
      `${defaults}
frontend fe
  bind 127.0.0.1:0
  default_backend be
backend be
  server s 127.0.0.1:${origin.port}
`,
    )
    const port = proxy.port()
    const idle = rawClient(t, port, get('/fast'))
    await idle.until('fast')
    const busy = rawClient(t, port, get('/slow'))
    await until(() => origin.peers.some((each) => each.received.includes('/slow')), 'the slow request')
    const closing = proxy.proxy.close()
    await idle.untilEnd()
    const late = rawClient(t, port)
    await late.untilEnd()
    release()
    assert.match(await busy.untilEnd(), /connection: close\r\n\r\nslow$/)
    await closing
    await proxy.proxy[Symbol.asyncDispose]()
  })

  it('holds connections beyond maxconn back until one has gone', async (t) => {
    const origin = await rawOrigin(t, () => reply('ok'))
    const proxy = await startProxy(
      t,
      `${defaults}
frontend fe
  maxconn 1
  bind 127.0.0.1:0
  default_backend be
backend be
  server s 127.0.0.1:${origin.port}
`,
    )
    const first = rawClient(t, proxy.port(), get('/'))
    await first.until('ok')
    const second = rawClient(t, proxy.port(), get('/'))
    await until(() => !second.socket.connecting, 'the second connection')
    assert.equal(second.received, '')
    assert.equal(proxy.proxy.stats.connections, 1)
    first.destroy()
    await second.until('ok')
  })

  it('lets all frontends wait for room in the process, each client in its turn', async (t) => {
    const origin = await rawOrigin(t, () => reply('ok'))
    const proxy = await startProxy(
      t,
      `global
  maxconn 2
${defaults}
frontend a
  bind 127.0.0.1:0
  default_backend be
frontend b
  bind 127.0.0.1:0
  default_backend be
backend be
  server s 127.0.0.1:${origin.port}
`,
    )
    const open = async (frontend: string) => {
      const client = rawClient(t, proxy.port(frontend), get('/'))
      await until(() => !client.socket.connecting, 'a connection')
      await sleep(20)
      return client
    }
    const [first, second] = [await open('a'), await open('a')]
    const [third, fourth, fifth] = [await open('b'), await open('b'), await open('a')]
    assert.deepEqual([third.received, fourth.received, fifth.received], ['', '', ''])
    first.destroy()
    await third.until('ok')
    await sleep(50)
    assert.deepEqual([fourth.received, fifth.received], ['', ''])
    // The frontends take turns.
    second.destroy()
    await fifth.until('ok')
    assert.equal(fourth.received, '')
    third.destroy()
    await fourth.until('ok')
  })

  it('answers monitor-uri itself, and logs nothing', async (t) => {
    const proxy = await startProxy(
      t,
      `${defaults}\nfrontend fe\n  bind 127.0.0.1:0\n  monitor-uri /alive\n  http-request deny\n`,
    )
    const client = rawClient(t, proxy.port(), get('/alive') + get('/x'))
    await client.until(/HTTP\/1\.1 200 OK[^]*HTTP\/1\.1 403/)
    assert.equal(proxy.lines.length, 1)
  })
})
