/** Servers that cannot be connected to, and why: what no log line of a request says. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askOnce } from '../support/raw-http.ts'
import { freePorts } from '../support/ports.ts'
import { defaults, startProxy } from './support.ts'

/** Is no name, whoever is asked: nobody is. */
const tooLong = `${'x'.repeat(64)}.invalid`

test('a name or a path that is wrong is told once, a server that is away is not', async (t) => {
  const told: string[] = []
  const warn = (fields: { server?: string; err?: Error }, words: string) =>
    void told.push(`${words}: ${fields.server} ${fields.err?.message}`)
  const logger = { debug() {}, info() {}, warn, error: warn }
  const [port] = await freePorts(1)
  const running = await startProxy(
    t,
    `${defaults}
  retries 0
listen path
  bind 127.0.0.1:0
  server a unix@/nowhere/a.sock
listen name
  bind 127.0.0.1:0
  server b ${tooLong}:80
listen away
  bind 127.0.0.1:0
  server c 127.0.0.1:${port}`,
    { logger },
  )
  for (const frontend of ['path', 'path', 'name', 'away', 'away']) {
    const reply = await askOnce(running.port(frontend), 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.equal(typeof reply === 'string' ? reply : reply.line, 'HTTP/1.1 503 Service Unavailable')
  }
  assert.equal(told.length, 2, told.join('\n'))
  assert.match(told[0] ?? '', /^a server cannot be connected to: a connect ENOENT \/nowhere\/a\.sock$/)
  assert.match(told[1] ?? '', /^a server cannot be connected to: b getaddrinfo E\w+ x+\.invalid$/)
})
