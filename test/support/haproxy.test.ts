import assert from 'node:assert/strict'
import { test } from 'node:test'
import { skipWithoutHaproxy, startHaproxy } from './haproxy.ts'

const skip = skipWithoutHaproxy()

const answer = (port: number, body: string) => `
defaults
  mode http
  timeout client 5s
frontend fe
  bind 127.0.0.1:${port}
  http-request return status 200 content-type text/plain string ${body}
`

test('starts, reloads and stops the real HAProxy', { skip }, async (t) => {
  const haproxy = await startHaproxy({
    ports: ['fe'],
    master: true,
    files: { 'list.txt': '192.0.2.1\n' },
    config: ({ fe }) => answer(fe, 'one'),
  })
  t.after(() => haproxy.stop())
  // A kept connection is the old process's, which ends.
  const once = { headers: { connection: 'close' } }
  const ask = async () => (await fetch(`http://127.0.0.1:${haproxy.ports.fe}/`, once)).text()
  assert.equal(await ask(), 'one')
  await haproxy.reload(answer(haproxy.ports.fe, 'two'))
  assert.equal(await ask(), 'two')
  await haproxy.stop()
  await assert.rejects(ask())
})

test('a refused configuration is reported with its text and the output', { skip }, async () => {
  await assert.rejects(
    startHaproxy({ ports: ['fe'], config: () => 'frontend fe\n  bogus\n' }),
    /2 {4}bogus[\s\S]*unknown keyword 'bogus'/,
  )
})
