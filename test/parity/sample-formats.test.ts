/**
 * Control characters that a request brings into formats: the same configuration and the same request through HAProxy and
 * sluice; heads and bodies that come out are compared as they are, log lines by their number.
 */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import type { Haproxy } from '../support/haproxy.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import type { Sluice } from '../support/sluice.ts'
import { startSluice } from '../support/sluice.ts'

const skip = skipWithoutHaproxy()

const ports = ['fe', 'seen'] as const

const options = {
  ports,
  files: { 'page.lf': 'file %[var(txn.v)]|%[var(txn.none)]|  %{+Q}[var(txn.v)]|\n' },
  config: ({ fe, seen }: Readonly<Record<'fe' | 'seen', number>>) => `
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend fe
  bind 127.0.0.1:${fe}
  log stdout format raw local0
  log-format "logged %[var(txn.v)] %{+Q}[var(txn.fmt)] %{+E}[var(txn.v)] %HU end"
  http-request set-var(txn.v) url_param(v),url_dec
  http-request set-var-fmt(txn.fmt) "<%[var(txn.v)]>"
  http-request return status 200 content-type text/plain lf-string "%[var(txn.v)]|%[var(txn.fmt)]|" if { path /string }
  http-request return status 200 content-type text/plain lf-file page.lf if { path /file }
  http-request return status 200 content-type text/plain string "x" hdr X-V "%[var(txn.v)]" if { path /hdr }
  http-request redirect location "/to/%[var(txn.v)]" if { path /redirect }
  http-request set-path "/new/%[var(txn.v)]" if { path /set-path }
  http-request set-query "a=%[var(txn.v)]" if { path /set-query }
  http-request set-header X-Set "%[var(txn.v)]" if { path /set-header }
  http-request add-header X-Set "%[var(txn.fmt)]" if { path /add-header }
  default_backend next
backend next
  server s1 127.0.0.1:${seen}
frontend seen
  bind 127.0.0.1:${seen}
  http-request return status 200 content-type text/plain lf-string "%[url]|%[req.hdr(x-set)]|%[req.hdr_cnt()]"
`,
}

let haproxy: Haproxy<'fe' | 'seen'>
let sluice: Sluice<'fe' | 'seen'>

before(async () => {
  if (skip === false) [haproxy, sluice] = await Promise.all([startHaproxy(options), startSluice(options)])
})

after(async () => {
  await haproxy?.stop()
  await sluice?.stop()
})

/** The answer as text, header names in lower case and without Date. */
function exchange(port: number, target: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(`GET ${target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`),
    )
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', reject)
    socket.on('close', () => {
      const text = Buffer.concat(chunks).toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      const head = text.slice(0, end).replace(/\r\n[^:]+:/g, (name) => name.toLowerCase())
      const lines = head.split('\r\n').filter((line) => !/^(?:date|connection):/.test(line))
      resolve([...lines.sort(), text.slice(end)].join('\n'))
    })
  })
}

const values = [
  'plain',
  'a%0Ab',
  'a%0D%0AX-Injected:%201',
  'a%00b',
  'a%09b',
  '%7F%1B%C3%A9',
  'a%22%5D%5Cb',
  'a%20b',
]

const paths = [
  '/string',
  '/file',
  '/hdr',
  '/redirect',
  '/set-path',
  '/set-query',
  '/set-header',
  '/add-header',
]

for (const path of paths)
  test(`what a value becomes: ${path}`, { skip }, async () => {
    for (const value of values) {
      // HAProxy sends a target with blanks or with bytes beyond ASCII, which its next hop refuses; sluice encodes them.
      if (/^\/set-(?:path|query)$/.test(path) && /%(?:09|20|C3)/.test(value)) continue
      const target = `${path}?v=${value}`
      const [theirs, ours] = await Promise.all(
        [haproxy, sluice].map(({ ports: { fe } }) => exchange(fe, target)),
      )
      assert.equal(ours, theirs, target)
    }
  })

test('a request is one log line, which HAProxy does not keep', { skip }, async () => {
  for (const value of values) {
    await exchange(sluice.ports.fe, `/string?v=${value}&last`)
    await sluice.waitForLog(`/string?v=${value}&last end`)
  }
  const lines = sluice
    .logs()
    .split('\n')
    .filter((line) => line.includes('&last end'))
  assert.equal(lines.length, values.length, lines.join('\n'))
  for (const line of lines) assert.match(line, /^logged [^\x00-\x1f\x7f]* end$/) // oxlint-disable-line no-control-regex -- they are what is looked for
  assert.equal(lines[1], 'logged a#0Ab "<a#0Ab>" a#0Ab /string?v=a%0Ab&last end')
})
