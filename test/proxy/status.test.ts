/** What a proxy counts of streams that have ended, and its status port: metrics, readiness, the page. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { describeTermination } from '#src/proxy/control/termination-words.js'
import { until } from '../support/until.ts'
import { ask, defaults, httpOrigin, rawClient, startProxy } from './support.js'
import type { Cleanup } from './support.js'

/** A backend that answers, one that is away, and a rule that denies. */
async function site(t: Cleanup) {
  const origin = await httpOrigin(t, (request, response) => {
    if (request.url === '/cut') {
      response.writeHead(200, { 'content-length': 10 }).write('half')
      setImmediate(() => response.destroy())
    } else response.writeHead(Number(request.url?.slice(1)) || 200).end('hello')
  })
  const started = await startProxy(
    t,
    `${defaults}
frontend fe
  bind 127.0.0.1:0
  http-request deny if { path /denied }
  http-request reject if { path /rejected }
  use_backend away if { path /away }
  default_backend web
backend web
  server s 127.0.0.1:${origin.port}
backend away
  retries 2
  timeout connect 50ms
  server s 127.0.0.1:1
frontend raw
  mode tcp
  bind 127.0.0.1:0
  default_backend pipe
backend pipe
  mode tcp
  server s 127.0.0.1:${origin.port}
`,
  )
  return { proxy: started.proxy, port: (frontend?: string) => started.port(frontend) }
}

async function read(url: string): Promise<[number, string]> {
  const response = await fetch(url)
  return [response.status, await response.text()]
}

describe('streams that have ended are counted', () => {
  it('where they went, by what became of them', async (t) => {
    const { proxy, port } = await site(t)
    for (const path of ['/200', '/201', '/302', '/404', '/503', '/cut', '/denied', '/rejected', '/away'])
      await ask(t, port(), `GET ${path}`)
    rawClient(t, port(), 'GET /200 HTTP/1.1\r\nHost: a\r\n').socket.end()
    // Nor is who says nothing a request.
    rawClient(t, port()).socket.end()
    await until(
      () => proxy.stats.frontends[0]?.total === 11 && proxy.stats.connections === 0,
      'the end of all',
    )
    const [fe] = proxy.stats.frontends
    const [web, away] = proxy.stats.backends
    assert.deepEqual(web?.ended.responses, { '1xx': 0, '2xx': 3, '3xx': 1, '4xx': 1, '5xx': 1 })
    assert.deepEqual(web.ended.terminations, { SD: 1 })
    assert.equal(web.ended.cutOff, 1)
    assert.equal(web.ended.duration.count, 6)
    assert.ok(web.ended.bytesIn > 6 * 40 && web.ended.bytesOut > 6 * 40)
    assert.deepEqual(away?.ended.responses, { '1xx': 0, '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 1 })
    assert.deepEqual([away.ended.terminations, away.ended.retries, away.ended.cutOff], [{ SC: 1 }, 2, 0])
    assert.deepEqual(fe?.ended.terminations, { PR: 2, CR: 1 })
    // Who was refused by a rule was not cut off.
    assert.equal(fe.ended.cutOff, 0)
    assert.equal(fe.ended.responses['4xx'], 2)
  })

  it('in TCP mode by their end alone', async (t) => {
    const { proxy, port } = await site(t)
    const client = rawClient(t, port('raw'), 'GET /200 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    await client.untilEnd()
    client.destroy()
    await until(() => proxy.stats.backends[2]?.ended.duration.count === 1, 'the end of the stream')
    const { responses, terminations, bytesOut } = proxy.stats.backends[2]?.ended ?? {}
    assert.deepEqual(Object.values(responses ?? {}), [0, 0, 0, 0, 0])
    assert.deepEqual(terminations, {})
    assert.ok(Number(bytesOut) > 40)
  })
})

describe('the status port of a proxy', () => {
  it('has metrics, and a page with backends, servers and what went wrong', async (t) => {
    const { proxy, port } = await site(t)
    const { url } = await proxy.serveStatus('127.0.0.1:0', { name: '<shop>' })
    for (const path of ['/200', '/503', '/denied', '/away']) await ask(t, port(), `GET ${path}`)
    await until(() => proxy.stats.connections === 0, 'the end of all')
    const [status, metrics] = await read(`${url}metrics`)
    assert.equal(status, 200)
    for (const line of [
      'sluice_proxy_connections_total{frontend="fe"} 4',
      'sluice_proxy_streams_total{backend="web"} 2',
      'sluice_proxy_responses_total{backend="web",code="2xx"} 1',
      'sluice_proxy_responses_total{backend="web",code="5xx"} 1',
      'sluice_proxy_responses_total{frontend="fe",code="4xx"} 1',
      'sluice_proxy_terminations_total{backend="away",state="SC"} 1',
      'sluice_proxy_retries_total{backend="away"} 2',
      'sluice_proxy_duration_seconds_bucket{backend="web",le="+Inf"} 2',
      'sluice_proxy_duration_seconds_count{backend="web"} 2',
      'sluice_proxy_server_ok{server="web/s"} 1',
      'sluice_proxy_server{server="web/s",field="total"} 2',
      'sluice_proxy_check{check="listening"} 1',
    ]) {
      assert.ok(metrics.split('\n').includes(line), `${line} in\n${metrics}`)
    }
    // Each family has its head once, and before its samples.
    const heads = [...metrics.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
    assert.deepEqual(heads, [...new Set(heads)])
    await until(async () => (await read(url))[1].includes('>SC<'), 'the next look')
    const [, page] = await read(url)
    for (const part of [
      '&lt;shop&gt;',
      'sluice proxy',
      '>web<',
      '>away<',
      'fe, without a backend',
      'web/s',
      'Frontends',
    ])
      assert.ok(page.includes(part), part)
    const [, text] = await read(`${url}stats.json`)
    const { rows, errors } = JSON.parse(text) as {
      rows: { name: string; failures: unknown; verdicts: unknown }[]
      errors: { code: string; words: string }[]
    }
    assert.deepEqual(
      rows.map(({ name, failures, verdicts }) => [name, failures, verdicts]),
      [
        ['web', { '5xx': 1, 'cut off': 0 }, { '2xx': 1, '5xx': 1 }],
        ['away', { '5xx': 1, 'cut off': 0 }, { '5xx': 1 }],
        ['pipe', { '5xx': 0, 'cut off': 0 }, {}],
        ['fe, without a backend', { '5xx': 0, 'cut off': 0 }, { '4xx': 1 }],
      ],
    )
    assert.deepEqual(
      errors.map(({ code, words }) => [code, words]),
      [
        ['PR', 'refused by a rule, or malformed, in the request'],
        ['SC', 'the server failed, or could not be had, while a server was connected to'],
      ],
    )
  })

  it('is not ready while clients are waited for, and closes with the proxy', async (t) => {
    const { proxy, port } = await site(t)
    const { url } = await proxy.serveStatus('127.0.0.1:0')
    assert.deepEqual(await read(`${url}readyz`), [200, 'ready\n[+] listening\n[+] not closing\n'])
    const client = rawClient(t, port('raw'))
    await until(() => proxy.stats.connections === 1, 'the client')
    const closed = proxy.close()
    assert.deepEqual(await read(`${url}readyz`), [
      503,
      'not ready\n[+] listening\n[-] not closing: closing\n',
    ])
    client.destroy()
    await closed
    await assert.rejects(fetch(url))
    await assert.rejects(proxy.serveStatus('127.0.0.1:0'), { code: 'ERR_SLUICE_CLOSED' })
  })

  it('that cannot be opened is an error, and the proxy goes on', async (t) => {
    const { proxy, port } = await site(t)
    const taken = `127.0.0.1:${port()}`
    await assert.rejects(proxy.serveStatus(taken), { code: 'ERR_PROXY_LISTEN', message: /EADDRINUSE/ })
    await assert.rejects(proxy.serveStatus('nowhere'), { code: 'ERR_SLUICE_ADDRESS' })
    await assert.rejects(proxy.serveStatus(':0', { name: '' }), { code: 'ERR_SLUICE_OPTION' })
    assert.match(await ask(t, port(), 'GET /200'), /^HTTP\/1.1 200/)
  })

  it('that is left open ends with destroy', async (t) => {
    const { proxy } = await site(t)
    const { address } = await proxy.serveStatus('127.0.0.1:0')
    proxy.destroy()
    if (address.type !== 'tcp') throw new Error('no port')
    await until(
      () =>
        new Promise<boolean>((resolve) => {
          const socket = connect(address.port, '127.0.0.1')
          socket.on('error', () => resolve(true)).on('connect', () => resolve((socket.destroy(), false)))
        }),
      'a port that is free',
    )
  })
})

it('a termination state is told in words', () => {
  assert.equal(
    describeTermination('sH'),
    'the server was waited for too long, before the head of the response',
  )
  assert.equal(describeTermination('CD'), 'the client left, while the response was passed on')
  assert.equal(describeTermination('X?'), 'X?')
})
