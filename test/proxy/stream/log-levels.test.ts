/** Which streams are logged, and how urgently: `dontlog-normal`, `log-separate-errors`, `set-log-level`, `dontlognull`. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../support/until.ts'
import { ask, folder, rawClient, rawOrigin, reply, startProxy } from '../support.js'

const defaults = (mode: string): string => `
defaults
  mode ${mode}
  log stderr format short local0
  timeout client 5s
  timeout server 5s
  timeout connect 2s
`

/** 6 is info, 3 is err, 4 is warning. */
const cases: readonly (readonly [string, string, string, readonly string[]])[] = [
  ['what goes well', '', '/ok', ['<6>200']],
  ['what goes well, with dontlog-normal', '  option dontlog-normal', '/ok', []],
  ['what goes well, with log-separate-errors', '  option log-separate-errors', '/ok', ['<6>200']],
  ['an error of the server', '', '/500', ['<6>500']],
  ['an error of the server, with dontlog-normal', '  option dontlog-normal', '/500', ['<6>500']],
  ['an error of the server, with log-separate-errors', '  option log-separate-errors', '/500', ['<3>500']],
  ['a level of its own', '  http-request set-log-level warning', '/ok', ['<4>200']],
  [
    'a level of its own, with log-separate-errors',
    '  http-request set-log-level warning\n  option log-separate-errors',
    '/500',
    ['<4>500'],
  ],
  ['silence', '  http-request set-log-level silent', '/500', []],
  [
    'a level of its own, with dontlog-normal',
    '  http-request set-log-level warning\n  option dontlog-normal',
    '/ok',
    [],
  ],
]

describe('a stream is logged', () => {
  for (const [name, front, path, wanted] of cases) {
    it(name, async (t) => {
      const origin = await rawOrigin(t, (text) =>
        text.includes('/500') ? reply('').replace('200 OK', '500 Oh') : reply('ok'),
      )
      const proxy = await startProxy(
        t,
        `${defaults('http')}frontend fe\n  bind 127.0.0.1:0\n  log-format "%ST %lc"\n${front}\n  default_backend be
backend be\n  server s 127.0.0.1:${origin.port}`,
      )
      await ask(t, proxy.port(), `GET ${path}`)
      await sleep(20)
      assert.deepEqual(
        proxy.lines,
        wanted.map((line) => `${line} 0`),
      )
      // Those that are not logged count as well.
      await ask(t, proxy.port(), 'GET /500')
      await until(() => proxy.lines.length > wanted.length || front.includes('silent'), 'another line')
      if (!front.includes('silent')) assert.match(proxy.lines.at(-1) ?? '', / 1$/)
    })
  }

  it('with the structured data of log-format-sd', async (t) => {
    const text = defaults('http').replace('short', 'rfc5424')
    const front = '  log-format "%ST"\n  log-format-sd "%{+E}o[a@1 path=\\"%HP\\"]"'
    const proxy = await startProxy(t, `${text}frontend fe\n  bind 127.0.0.1:0\n${front}\n`)
    await ask(t, proxy.port(), 'GET /x')
    await until(() => proxy.lines.length === 1)
    assert.match(proxy.lines[0] ?? '', /^<134>1 .* - \[a@1 path="\/x"\] 503$/)
  })

  it('not without a target', async (t) => {
    const text = defaults('http').replace(/ {2}log .*\n/, '')
    const proxy = await startProxy(t, `${text}frontend fe\n  bind 127.0.0.1:0\n  option httplog\n`)
    await ask(t, proxy.port(), 'GET /x')
    await sleep(20)
    assert.deepEqual(proxy.lines, [])
  })
})

describe('without a format the beginning of a stream is logged', () => {
  for (const mode of ['http', 'tcp']) {
    it(`with where it came from and went to: ${mode}`, async (t) => {
      const origin = await rawOrigin(t, () => undefined)
      const proxy = await startProxy(
        t,
        `${defaults(mode)}listen li\n  bind 127.0.0.1:0\n  server s 127.0.0.1:${origin.port}`,
      )
      const client = rawClient(t, proxy.port(), 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await until(() => origin.peers.length === 1)
      const { localPort } = client.socket
      assert.deepEqual(proxy.lines, [
        `<6>Connect from 127.0.0.1:${localPort} to 127.0.0.1:${proxy.port()} (li/${mode.toUpperCase()})`,
      ])
      client.destroy()
      await sleep(20)
      assert.equal(proxy.lines.length, 1)
    })
  }

  it('of a unix socket with the number of the listener', async (t) => {
    const path = join(folder(t, {}), 's')
    const proxy = await startProxy(t, `${defaults('http')}frontend fe\n  bind unix@${path}\n`)
    const client = connect(path)
    t.after(() => void client.destroy())
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await until(() => proxy.lines.length === 1)
    assert.match(proxy.lines[0] ?? '', /^<6>Connect to unix:\d+ \(fe\/HTTP\)$/)
  })
})
