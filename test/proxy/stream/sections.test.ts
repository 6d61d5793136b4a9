/** Which rules and events a stream goes through, by the sections that it goes through and their modes. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { until } from '../../support/until.ts'
import { get, rawClient, rawOrigin, reply, startProxy } from '../support.js'

/** All rule sets that write their name into the header or the variable of an answer. */
const marks = (name: string, mode: string): string =>
  [
    `  tcp-request content set-var(txn.o) var(txn.o,:),concat("${name}-content ")`,
    `  tcp-response content set-var(txn.o) var(txn.o,:),concat("${name}-tcp-response ")`,
    ...(mode === 'tcp'
      ? []
      : [
          `  http-request set-var(txn.o) var(txn.o,:),concat("${name}-request ") if !{ path /content }`,
          `  http-response set-var(txn.o) var(txn.o,:),concat("${name}-response ")`,
          `  http-after-response set-var(txn.o) var(txn.o,:),concat("${name}-after ")`,
        ]),
  ].join('\n')

const defaults = (mode: string): string => `
defaults
  mode ${mode}
  log stderr format raw local0
  log-format "%[var(txn.o)]%ts"
  timeout client 5s
  timeout server 5s
  timeout connect 2s
`

/** Rules of frontends know no tcp-response. */
const front = (text: string): string =>
  text
    .split('\n')
    .filter((line) => !line.startsWith('  tcp-response'))
    .join('\n')

interface Case {
  readonly name: string
  readonly config: (port: number) => string
  readonly wanted: string
}

const cases: readonly Case[] = [
  {
    name: 'frontend and backend',
    config: (port) =>
      `${defaults('http')}frontend fe\n  bind 127.0.0.1:0\n  default_backend be\n${front(marks('fe', 'http'))}
backend be\n${marks('be', 'http')}\n  server s 127.0.0.1:${port}`,
    wanted:
      ':fe-content fe-request be-content be-request be-tcp-response be-response fe-response be-after fe-after --',
  },
  {
    name: 'listen',
    config: (port) =>
      `${defaults('http')}listen li\n  bind 127.0.0.1:0\n${marks('li', 'http')}\n  server s 127.0.0.1:${port}`,
    wanted: ':li-content li-request li-tcp-response li-response li-after --',
  },
  {
    name: 'frontend of TCP, backend of TCP',
    config: (port) =>
      `${defaults('tcp')}frontend fe\n  bind 127.0.0.1:0\n  default_backend be\n${front(marks('fe', 'tcp'))}
backend be\n${marks('be', 'tcp')}\n  server s 127.0.0.1:${port}`,
    wanted: ':fe-content be-content be-tcp-response --',
  },
  {
    name: 'listen of TCP',
    config: (port) =>
      `${defaults('tcp')}listen li\n  bind 127.0.0.1:0\n${marks('li', 'tcp')}\n  server s 127.0.0.1:${port}`,
    wanted: ':li-content li-tcp-response --',
  },
  {
    name: 'frontend of TCP, backend of HTTP',
    config: (port) =>
      `${defaults('tcp')}frontend fe\n  bind 127.0.0.1:0\n  use_backend be\n${front(marks('fe', 'tcp'))}
${defaults('http')}backend be\n${marks('be', 'http')}\n  server s 127.0.0.1:${port}`,
    wanted: ':fe-content be-content be-request be-tcp-response be-response be-after --',
  },
  {
    name: 'an answer of the frontend’s own',
    config: () =>
      `${defaults('http')}frontend fe\n  bind 127.0.0.1:0\n${front(marks('fe', 'http'))}\n  http-request deny`,
    wanted: ':fe-content fe-request fe-after PR',
  },
  {
    name: 'an answer of the backend’s own',
    config: () =>
      `${defaults('http')}frontend fe\n  bind 127.0.0.1:0\n  default_backend be\n${front(marks('fe', 'http'))}
backend be\n${marks('be', 'http')}\n  http-request deny`,
    wanted: ':fe-content fe-request be-content be-request be-after fe-after PR',
  },
  {
    name: 'an answer that is refused',
    config: (port) =>
      `${defaults('http')}frontend fe\n  bind 127.0.0.1:0\n  default_backend be\n${front(marks('fe', 'http'))}
backend be\n${marks('be', 'http')}\n  http-response deny\n  server s 127.0.0.1:${port}`,
    wanted: ':fe-content fe-request be-content be-request be-tcp-response be-response be-after fe-after PH',
  },
]

describe('the rules of a stream', () => {
  for (const { name, config, wanted } of cases) {
    it(`through ${name}`, async (t) => {
      const origin = await rawOrigin(t, (_, { socket }) => (socket.end(reply('ok')), undefined))
      const proxy = await startProxy(t, config(origin.port))
      const client = rawClient(t, proxy.port(), get('/', 'Connection: close'))
      await client.untilEnd()
      client.socket.end()
      await until(() => proxy.lines.length > 0, 'the line')
      assert.deepEqual(proxy.lines, [wanted])
    })
  }
})

it('inspect-delay is for content rules alone: HTTP rules decide on the body that is there', async (t) => {
  const origin = await rawOrigin(t, () => reply('ok'))
  const delays = '  tcp-request inspect-delay 5s\n  tcp-response inspect-delay 5s'
  const proxy = await startProxy(
    t,
    `${defaults('http')}listen li\n  bind 127.0.0.1:0\n${delays}
  http-request set-header x-a b if { req.body_len gt 100 }
  http-response set-header x-a b if { res.body_len gt 100 }\n  server s 127.0.0.1:${origin.port}`,
  )
  const began = Date.now()
  const client = rawClient(t, proxy.port(), 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200\r\n\r\nbo')
  await client.until('ok')
  assert.ok(Date.now() - began < 2000)
})

describe('option http-buffer-request', () => {
  const head = (path: string) => `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n`
  const buffer = '  option http-buffer-request'
  const content = '  tcp-request content reject if { path /content }'
  const request = '  http-request deny if { path /request }'
  const body = '  http-request deny if { req.body -m str body }'
  const sections = (fe: readonly string[], be: readonly string[]) =>
    `${defaults('http')}frontend fe\n  bind 127.0.0.1:0\n${fe.join('\n')}\n  default_backend be\nbackend be\n${be.join('\n')}`

  /** Whether a request whose body has not come is decided on: by rejection, by an answer, or not. */
  const decided: readonly (readonly [string, string, string, 'ended' | ' 403 ' | 'waits'])[] = [
    ['of the frontend: its content rules do not wait', sections([buffer, content], []), '/content', 'ended'],
    ['of the frontend: its rules wait', sections([buffer, request], []), '/request', 'waits'],
    ['of the frontend: rules of the backend wait', sections([buffer], [content]), '/content', 'waits'],
    ['of the backend: rules of the frontend do not wait', sections([request], [buffer]), '/request', ' 403 '],
    ['of the backend: its content rules wait', sections([], [buffer, content]), '/content', 'waits'],
    ['of the backend: its rules wait', sections([], [buffer, request]), '/request', 'waits'],
    ['of neither', sections([], [request]), '/request', ' 403 '],
  ]
  for (const [name, config, path, wanted] of decided) {
    it(name, async (t) => {
      const proxy = await startProxy(t, config)
      const client = rawClient(t, proxy.port(), head(path))
      if (wanted === 'ended') return void (await client.untilEnd())
      if (wanted === ' 403 ') return void (await client.until(wanted))
      await new Promise((resolve) => setTimeout(resolve, 60))
      assert.deepEqual([client.received, client.ended], ['', false])
      client.send('body')
      await until(() => client.ended || client.received.includes(' 403 '), 'a decision')
    })
  }

  it('shows rules the body, of both sections', async (t) => {
    for (const config of [sections([buffer, body], []), sections([], [buffer, body])]) {
      const proxy = await startProxy(t, config)
      await rawClient(t, proxy.port(), `${head('/')}body`).until(' 403 ')
      await rawClient(t, proxy.port(), `${head('/')}bode`).until(' 503 ')
    }
  })
})
