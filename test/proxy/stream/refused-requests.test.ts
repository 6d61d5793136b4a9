/** A request that cannot be put in the terms of its server is refused: the fault of the client, whoever finds it. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { until } from '../../support/until.ts'
import { defaults, rawClient, rawOrigin, startProxy } from '../support.js'

it('a body without a length that is larger than an application may be told is 413, and logged as the client’s fault', async (t) => {
  const application = await rawOrigin(t, () => undefined)
  const proxy = await startProxy(
    t,
    `${defaults}fcgi-app app\n  docroot /srv\n  max-unsized-body 1000000
frontend fe\n  bind 127.0.0.1:0\n  log-format "%ST %ts"\n  default_backend be
backend be\n  use-fcgi-app app\n  server s 127.0.0.1:${application.port} proto fcgi\n`,
  )
  const client = rawClient(
    t,
    proxy.port(),
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
  )
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
  for (let at = 0; at < 17; at++) client.send(chunk)
  const answer = await client.untilEnd()
  assert.match(answer, /^HTTP\/1\.1 413 Payload Too Large\r\n/)
  await until(() => proxy.lines.length === 1, 'the line')
  assert.deepEqual(proxy.lines, ['413 PR'])
})
