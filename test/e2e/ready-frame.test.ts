/** The frame of ready agents with the real HAProxy: snippets as they are printed, and both halves of the failure policy. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { Agent as HttpAgent } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { readyAgentNames } from '#src/services/host/registry.js'
import { findHaproxy, skipWithoutHaproxy } from '../support/haproxy.ts'
import { makeFolder, root, runCli } from '../support/sluice.ts'
import { ask } from './agent-support.ts'
import { becomes, startReady, startSnippet } from './ready-support.ts'

const skip = skipWithoutHaproxy()

const own = join(root, 'test/services/fixtures/own-agent.js')
const config = (policy: string) =>
  `agents:\n  own:\n    use: ${own}\n    deadline_ms: 300\n    on_error: ${policy}\n`

test('every snippet is valid for HAProxy and for sluice check', { skip, timeout: 120_000 }, async (t) => {
  const names = [...readyAgentNames, own]
  for (const flags of [
    ['--haproxy', '2.6'],
    ['--haproxy', '2.6', '--group'],
    ['--haproxy', '3.x'],
  ]) {
    const what = [...names, ...flags].join(' ')
    const { dir, remove } = makeFolder({})
    t.after(() => remove())
    const written = await runCli(['snippet', ...names, ...flags, '--write', '.'], { cwd: dir })
    assert.equal(written.code, 0, `${what}\n${written.stderr}`)
    if (flags[1] === '2.6') {
      const { status, stderr } = spawnSync(findHaproxy() ?? '', ['-c', '-f', 'haproxy.cfg'], {
        cwd: dir,
        encoding: 'utf8',
      })
      assert.equal(status, 0, `${what}\n${stderr}`)
      assert.doesNotMatch(stderr, /WARNING/, what)
      const here = await runCli(['check', 'haproxy.cfg', '--deny-warnings'], { cwd: dir })
      assert.equal(here.code, 0, `${what}\n${here.stdout}`)
    }
    const version = flags[1] === '2.6' ? '2.6' : '3.2'
    const there = await runCli(['check', 'haproxy.cfg', '--haproxy-version', version, '--deny-warnings'], {
      cwd: dir,
    })
    assert.equal(there.code, 0, `${what}\n${there.stdout}`)
  }
})

test('a snippet is written once, and not over what is there', async () => {
  const { dir, remove } = makeFolder({ 'haproxy.cfg': 'mine\n' })
  const { code, stderr } = await runCli(['snippet', own, '--write', '.'], { cwd: dir })
  remove()
  assert.equal(code, 1)
  assert.match(stderr, /haproxy\.cfg is there already, and is kept: nothing was written/)
})

/** By policy: the status of a request with an answer, with a no, with an error in the agent, late, and with no agent. */
const expected = {
  open: { fine: 200, deny: 403, throw: 200, hang: 200, dead: 200 },
  closed: { fine: 200, deny: 403, throw: 403, hang: 403, dead: 503 },
} as const

for (const policy of ['open', 'closed'] as const) {
  for (const groups of [false, true]) {
    const name = `fail-${policy}, ${groups ? 'by a group' : 'by an event'}`
    test(name, { skip }, async (t) => {
      const ready = await startReady(t, config(policy))
      const haproxy = await startSnippet(t, ready, { groups })
      const { fe } = haproxy.ports
      const status = async (how: string) => (await ask(fe, { headers: { 'x-how': how } })).status
      for (const how of ['fine', 'deny', 'throw', 'hang'] as const)
        assert.equal(await status(how), expected[policy][how], how)
      // The verdict of a request must not stand for the next one of its connection.
      const agent = new HttpAgent({ keepAlive: true, maxSockets: 1 })
      t.after(() => agent.destroy())
      assert.equal((await ask(fe, { agent, headers: { 'x-how': 'fine' } })).status, 200)
      await ready.agents.agent.close()
      await becomes(haproxy, /^DOWN/)
      const dead = await ask(fe, { agent })
      assert.equal(dead.status, expected[policy].dead)
      // HAProxy's own word for it: no server.
      if (policy === 'open') assert.match(dead.body, /"x-own-error":"\d+"/)
    })
  }
}
