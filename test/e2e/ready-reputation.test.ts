/** ip-reputation with the real HAProxy: addresses of all kinds, both forms of its message, lists that change under load. */
import assert from 'node:assert/strict'
import { renameSync, writeFileSync } from 'node:fs'
import { Agent as HttpAgent } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { skipWithoutHaproxy } from '../support/haproxy.ts'
import { until } from '../support/until.ts'
import { ask } from './agent-support.ts'
import { startReady, startSnippet } from './ready-support.ts'

const skip = skipWithoutHaproxy()

const entry = (more = '') => `agents:
  ip-reputation:
    deadline_ms: 1000
    trusted_proxies: [127.0.0.9]
    sources: [{name: bad, file: bad.txt}]
${more}`
const files = { 'bad.txt': '127.0.0.64/26\n192.0.2.0/24\n' }
const show =
  'http-request set-header x-seen "%[var(txn.ip_reputation.reason)] %[var(txn.ip_reputation.prefix)]"'

for (const groups of [false, true]) {
  test(`addresses are judged, ${groups ? 'by a group' : 'by an event'}`, { skip }, async (t) => {
    const ready = await startReady(t, entry(), files)
    const haproxy = await startSnippet(t, ready, {
      groups,
      more: show,
      bind: (port) => `bind :::${port} v4v6`,
    })
    const { fe } = haproxy.ports
    const seen = async (localAddress: string, xff?: string) => {
      const headers = xff === undefined ? {} : { 'x-forwarded-for': xff }
      const { status, body } = await ask(fe, { localAddress, headers })
      return status === 200 ? (JSON.parse(body) as Record<string, string>)['x-seen'] : status
    }
    // The listener is one of IPv6: HAProxy says ::ffff:127.0.0.70.
    assert.equal(await seen('127.0.0.70'), 403)
    assert.equal(await seen('127.0.0.1'), 'not_listed')
    assert.equal(await seen('127.0.0.1', '192.0.2.7'), 'not_listed', 'anybody can write that')
    assert.equal(await seen('127.0.0.9', '192.0.2.7'), 403)
    assert.equal(await seen('127.0.0.9', '192.0.2.7, 198.51.100.1'), 'not_listed')
  })
}

test('a verdict about the connection may live in sess', { skip }, async (t) => {
  const ready = await startReady(t, entry('    scope: sess\n'), files)
  const haproxy = await startSnippet(t, ready)
  const { fe } = haproxy.ports
  const agent = new HttpAgent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  assert.equal((await ask(fe, { agent })).status, 200)
  assert.equal((await ask(fe, { agent })).status, 200)
  assert.equal((await ask(fe, { localAddress: '127.0.0.70' })).status, 403)
  // In HTTP a stream is a request, and the event is sent for each.
  assert.equal(ready.agents.agent.stats.frames.notifies, 3)
})

test('a list that changes under load costs no answer', { skip }, async (t) => {
  const ready = await startReady(t, entry(), files)
  const haproxy = await startSnippet(t, ready)
  const { fe } = haproxy.ports
  const agent = new HttpAgent({ keepAlive: true, maxSockets: 8 })
  t.after(() => agent.destroy())
  // Large enough for the thread.
  const large = Array.from({ length: 60_000 }, (_, index) => `10.${index >> 8}.${index & 255}.0/24`).join(
    '\n',
  )
  const rounds = ['127.0.0.0/8', '192.0.2.0/24', '127.0.0.0/8', '192.0.2.0/24']
  const statuses = new Map<number, number>()
  let over = false
  t.after(() => (over = true))
  const load = Array.from({ length: 8 }, async () => {
    while (!over) {
      const { status } = await ask(fe, { agent })
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  })
  for (const line of rounds) {
    writeFileSync(join(ready.dir, 'new'), `${line}\n${large}\n`)
    renameSync(join(ready.dir, 'new'), join(ready.dir, 'bad.txt'))
    const wanted = line.startsWith('127') ? 403 : 200
    await until(async () => (await ask(fe)).status === wanted, `the list with ${line} is in use`, 20_000)
  }
  over = true
  await Promise.all(load)
  assert.deepEqual(
    [...statuses.keys()].sort((a, b) => a - b),
    [200, 403],
  )
  const metrics = ready.agents.agent.metrics()
  assert.doesNotMatch(metrics, /policy_answers_total\{/, 'no answer of the policy')
  assert.deepEqual(ready.agents.agent.stats.errors, {})
})
