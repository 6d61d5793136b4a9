/**
 * `use_backend` of a TCP frontend by what a request in the buffer, or a ClientHello, says: HAProxy and sluice send the
 * same bytes to the same server.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Server } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { clientHelloRecord } from '../support/client-hello.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { makeFolder, startSluice } from '../support/sluice.ts'

const skip = skipWithoutHaproxy()

interface Case {
  readonly rules: readonly string[]
  readonly sent: string
}

const get = 'GET /a?b=1 HTTP/1.1\r\nHost: one.test\r\nCookie: c=d\r\n\r\n'
const hello = clientHelloRecord({ serverName: 'one.test', protocols: ['h2', 'http/1.1'] }).toString('latin1')
const wait = [
  'tcp-request inspect-delay 300ms',
  'tcp-request content accept if HTTP or { req.ssl_hello_type 1 }',
]

const conditions = [
  '{ path /a }',
  '{ path_beg /b }',
  '{ hdr(host) one.test }',
  '{ method GET }',
  'METH_POST',
  'HTTP',
  '!HTTP',
  '{ req.ver 1.1 }',
  '{ url_param(b) 1 }',
  '{ cook(c) d }',
  '{ base one.test/a }',
  '{ req.hdrs -m sub one.test }',
  '{ req.body_len gt 0 }',
  '{ req.ssl_sni one.test }',
  '{ req_ssl_sni -m end .test }',
  '{ req.ssl_alpn http/1.1 }',
  '{ req.ssl_ec_ext 1 }',
  '{ req.payload(0,3) -m str GET }',
]

const cases: readonly Case[] = [
  ...[get, hello].flatMap((sent) =>
    conditions.map((condition) => ({ sent, rules: [...wait, `use_backend yes if ${condition}`] })),
  ),
  { sent: get, rules: [...wait, 'use_backend %[path,regsub(/a,yes)]'] },
  {
    sent: get,
    rules: [...wait, 'tcp-request content set-var(txn.host) hdr(host)', 'use_backend yes if HTTP'],
  },
  {
    sent: get,
    rules: [
      'tcp-request inspect-delay 300ms',
      'tcp-request content set-var(txn.host) req.hdr(host) if HTTP',
      'use_backend yes if { var(txn.host) -m str one.test }',
    ],
  },
  { sent: 'GET /a HT', rules: [...wait, 'use_backend yes if { path /a }'] },
  { sent: 'SSH-2.0-x\r\n', rules: [...wait, 'use_backend yes if !HTTP'] },
]

type Name = 'yes' | 'no'

/** On unix sockets, to which no strangers connect. */
const pathOf = (folder: string, name: Name, at: number): string => join(folder, `${name}${at}.sock`)

async function listen(path: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
  })
  server.listen(path)
  await once(server, 'listening')
  return server
}

const options = (folder: string) => ({
  ports: cases.map((_, at) => `fe${at}`),
  config: (ports: Readonly<Record<string, number>>) => `
defaults
  mode tcp
  timeout client 5s
  timeout server 5s
  timeout connect 5s
${cases.map(({ rules }, at) => section(rules, at, ports[`fe${at}`] ?? 0, folder)).join('')}`,
})

const section = (rules: readonly string[], at: number, port: number, folder: string): string => `
frontend fe${at}
  bind 127.0.0.1:${port}
${rules.map((rule) => `  ${rule.replace('yes', `yes${at}`)}`).join('\n')}
  default_backend no${at}
backend yes${at}
  server s1 unix@${pathOf(folder, 'yes', at)}
backend no${at}
  server s1 unix@${pathOf(folder, 'no', at)}
`

/** Which of the servers is connected to. */
async function choose({ sent }: Case, port: number, yes: Server, no: Server): Promise<string> {
  const client = connect(port, '127.0.0.1', () => client.write(sent, 'latin1'))
  client.on('error', () => {})
  const chosen = Promise.race([
    once(yes, 'connection').then(() => 'yes'),
    once(no, 'connection').then(() => 'no'),
    once(client, 'close').then(() => 'closed'),
  ])
  try {
    return await chosen
  } finally {
    client.destroy()
  }
}

test('a TCP frontend chooses by what is in the buffer', { skip }, async (t) => {
  const results = await Promise.all(
    [startHaproxy, startSluice].map(async (start) => {
      const { dir, remove } = makeFolder({})
      t.after(remove)
      const serve = (name: Name) => Promise.all(cases.map((_, at) => listen(pathOf(dir, name, at))))
      const [yes, no] = await Promise.all([serve('yes'), serve('no')])
      t.after(() => [...yes, ...no].forEach((server) => server.close()))
      const program = await start(options(dir))
      t.after(() => program.stop())
      return await Promise.all(
        cases.map((each, at) => {
          const [one, other] = [yes[at] as Server, no[at] as Server] // one of each for each case
          return choose(each, program.ports[`fe${at}`] ?? 0, one, other)
        }),
      )
    }),
  )
  const [theirs = [], ours = []] = results
  const differences = cases.flatMap(({ rules, sent }, at) =>
    theirs[at] === ours[at]
      ? []
      : [`${rules.join('; ')} ${JSON.stringify(sent)}: haproxy ${theirs[at]}, ours ${ours[at]}`],
  )
  assert.deepEqual(differences, [])
  assert.deepEqual([...new Set(theirs)].sort(), ['no', 'yes'])
})
