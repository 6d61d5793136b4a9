/**
 * Files of `errorfile`, as operators have them: in the version, with the length and the order that stand there, or without,
 * to requests of either version, through HAProxy and through sluice. Which files are refused is compared, too.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { loadProxy } from 'sluice/proxy'
import { folder, RawClient, startProxy } from '../proxy/support.ts'
import type { TestProxy } from '../proxy/support.ts'
import { findHaproxy, skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import type { Haproxy } from '../support/haproxy.ts'
import { until } from '../support/until.ts'

const skip = skipWithoutHaproxy()

const pages: Readonly<Record<string, string>> = {
  // As those that Debian installs.
  old: 'HTTP/1.0 403 No\r\nCache-Control: no-cache\r\nConnection: close\r\nContent-Type: text/html\r\n\r\n<html>\n',
  'old-length': 'HTTP/1.0 403 No\r\nContent-Length: 4\r\n\r\nbody',
  'old-kept': 'HTTP/1.0 403 No\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nbody',
  'old-empty': 'HTTP/1.0 403 No\r\n\r\n',
  'old-304': 'HTTP/1.0 304 Same\r\nX: y\r\n\r\n',
  new: 'HTTP/1.1 403 No\r\nX-A: b\r\n\r\nbody',
  'new-length': 'HTTP/1.1 403 No\r\nA: 1\r\nContent-Length: 4\r\nA: 2\r\n\r\nbody',
  'new-closing': 'HTTP/1.1 403 No\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody',
  'new-kept': 'HTTP/1.1 403 No\r\nContent-Length: 4\r\nConnection: keep-alive\r\n\r\nbody',
  'new-empty': 'HTTP/1.1 403 No\r\n\r\n',
  'new-none': 'HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n',
  'new-204': 'HTTP/1.1 204 None\r\n\r\n',
  feeds: 'HTTP/1.1 403 No\nX-A: b\nContent-Length: 4\n\nbody',
}

const requests: readonly (readonly [name: string, text: (path: string) => string])[] = [
  ['GET', (path) => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`],
  ['HTTP/1.0', (path) => `GET ${path} HTTP/1.0\r\n\r\n`],
  ['HTTP/1.0, kept', (path) => `GET ${path} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`],
  ['HEAD', (path) => `HEAD ${path} HTTP/1.1\r\nHost: h\r\n\r\n`],
  ['the last one', (path) => `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`],
  ['a body', (path) => `POST ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc`],
]

/** What stands behind each: its answer says that the connection is still good. */
const last = 'GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'

const config = (port: number): string => `defaults
  mode http
  log stderr format raw local0
  log-format "%HM %HU %ST %B %ts"
  timeout client 5s
  timeout server 5s
  timeout connect 1s
http-errors section
  errorfile 403 old.http
frontend fe
  bind 127.0.0.1:${port}
  errorfile 404 old.http
  http-error status 410 errorfile new.http
  http-request return status 200 content-type text/plain string last if { path /last }
  http-request deny status 404 if { path /page }
  http-request deny status 410 if { path /http-error }
  http-request deny status 403 errorfiles section if { path /section }
${Object.keys(pages)
  .map((name) => `  http-request deny errorfile ${name}.http if { path /${name} }`)
  .join('\n')}
`

const files = Object.fromEntries(Object.entries(pages).map(([name, text]) => [`${name}.http`, text]))
const paths = [...Object.keys(pages), 'page', 'http-error', 'section']

describe('the files of errorfile', { skip }, () => {
  let haproxy: Haproxy<'fe'>
  let sluice: TestProxy
  const cleanups: (() => void | Promise<void>)[] = []
  const t = { after: (callback: () => void | Promise<void>) => void cleanups.push(callback) }

  before(async () => {
    haproxy = await startHaproxy({ ports: ['fe'], files, config: ({ fe }) => config(fe) })
    sluice = await startProxy(t, config(0), { files })
  })

  after(async () => {
    for (const cleanup of cleanups.reverse()) await cleanup()
    await haproxy?.stop()
  })

  for (const path of paths) {
    it(path, async () => {
      const both = requests.map(async ([name, text]) => {
        const asked = text(`/${path}`) + last
        const [theirs, ours] = await Promise.all([
          converse(haproxy.ports.fe, asked),
          converse(sluice.port(), asked),
        ])
        return { name, theirs, ours }
      })
      for (const { name, theirs, ours } of await Promise.all(both)) assert.equal(ours, theirs, name)
    })
  }

  it('count as many bytes in the log', async () => {
    const wanted = (): string[] =>
      haproxy
        .logs()
        .split('\n')
        .filter((line) => / (?:PR|LR)$/.test(line))
    await until(() => wanted().length === sluice.lines.length, 'as many lines')
    assert.ok(wanted().length > 100)
    assert.deepEqual(sluice.lines.toSorted(), wanted().toSorted())
  })
})

async function converse(port: number, asked: string): Promise<string> {
  const client = new RawClient(port)
  client.send(asked)
  const answer = await client.untilEnd()
  client.destroy()
  return answer
}

const refused: Readonly<Record<string, string>> = {
  'a length that is too large': 'HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nbody',
  'a length that is too small': 'HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nbody',
  'a body in chunks': 'HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n',
  'a body where none may be': 'HTTP/1.1 204 None\r\n\r\nbody',
  'a status 1xx': 'HTTP/1.1 100 Go\r\n\r\n',
  'no head': '<html></html>',
  'half a head': 'HTTP/1.1 403 No\r\n',
}

it('files that say what is not so are refused', { skip }, (t) => {
  for (const [name, text] of Object.entries(refused)) {
    const cfg = `defaults\n  mode http\nbackend b\n  errorfile 403 page.http\n`
    const dir = folder(t, { 'haproxy.cfg': cfg, 'page.http': text })
    const { status } = spawnSync(findHaproxy() ?? '', ['-c', '-q', '-f', 'haproxy.cfg'], { cwd: dir })
    assert.equal(status, 1, name)
    const { diagnostics } = loadProxy({ files: ['haproxy.cfg'], cwd: dir })
    assert.deepEqual(
      diagnostics.filter(({ severity }) => severity === 'error').map(({ code }) => code),
      ['ERR_PROXY_ERRORFILE'],
      name,
    )
  }
})
