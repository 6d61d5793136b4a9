/** What a status port tells of a real HAProxy: who it is, what it was told, and what it makes of errors. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Agent } from 'sluice/agent'
import type { StatusSnapshot } from '#src/status/snapshot.js'
import { skipWithoutHaproxy } from '../support/haproxy.ts'
import { until } from '../support/until.ts'
import { ask, startAgent, startSpoe } from './agent-support.ts'

const skip = skipWithoutHaproxy()

async function read(url: string): Promise<StatusSnapshot> {
  return (await (await fetch(new URL('stats.json', url))).json()) as StatusSnapshot
}

describe('the status port of an agent behind HAProxy', { skip }, () => {
  it('names its engine and what was answered, and its health checks are no engines', async (t) => {
    const serve = (agent: Agent) =>
      void agent.message('m', { path: 'string' }, ({ path }, actions) => {
        actions.setVar('txn', 'verdict', path === '/no' ? 'deny' : 'allow')
      })
    const { agent, port } = await startAgent(t, serve)
    const { url } = await agent.serveStatus(':0', { verdict: 'txn.verdict' })
    const haproxy = await startSpoe(t, {
      agents: `option spop-check\n  server a 127.0.0.1:${port} check inter 100ms`,
      agentLines: 'messages m',
      messages: 'spoe-message m\n  args path=path\n  event on-frontend-http-request',
      frontend: 'http-request deny if { var(txn.t.verdict) -m str deny }',
    })
    // On a busy machine HAProxy's check fails now and then, and what is asked meanwhile passes.
    await until(async () => (await ask(haproxy.ports.fe, { path: '/no' })).status === 403, 'it denies')
    const { acks } = agent.stats.frames
    await until(async () => {
      await ask(haproxy.ports.fe)
      return agent.stats.frames.acks > acks
    }, 'the agent is asked')
    await until(() => agent.stats.connections.healthChecks > 1, 'health checks')
    const { connections, rows } = await read(url)
    assert.ok(connections.length > 0)
    for (const each of connections) {
      assert.match(each.profile, /^HAProxy (1\.8 to 3\.0|3\.1 or later)$/)
      assert.match(each.engine, /^[0-9a-f]{8}-/i)
      assert.deepEqual(each.peers, ['127.0.0.1'])
    }
    assert.ok((rows[0]?.verdicts['deny'] ?? 0) >= 1)
    assert.ok((rows[0]?.verdicts['allow'] ?? 0) >= 1)
  })

  it("says '1: HAProxy's time-out' of what HAProxy has given up, which HAProxy says, too", async (t) => {
    const answers: (() => void)[] = []
    const serve = (agent: Agent) => {
      agent.message('first', () => new Promise<void>((resolve) => answers.push(resolve)))
      agent.message('second', () => {})
    }
    const { agent, port } = await startAgent(t, serve, { deadline: 0 })
    const { url } = await agent.serveStatus(':0')
    const haproxy = await startSpoe(t, {
      agents: port,
      agentLines:
        'messages first second\n  timeout processing 300ms\n  option continue-on-error\n  option set-on-error err',
      messages: `spoe-message first
  event on-frontend-http-request
spoe-message second
  event on-http-response`,
      frontend:
        'http-request set-var(txn.seen) var(txn.t.err)\n  http-response set-header x-err "%[var(txn.seen)]"',
      answer: `default_backend web
frontend origin
  bind unix@origin.sock
  http-request return status 200
backend web
  server o unix@origin.sock`,
    })
    t.after(() => answers.forEach((each) => each()))
    const answer = await ask(haproxy.ports.fe)
    const { errors } = await read(url)
    assert.deepEqual(
      errors.map(({ code, haproxy: seen }) => [code, seen]),
      [['ERR_AGENT_SUPERSEDED', "1: HAProxy's time-out"]],
    )
    assert.equal(answer.headers['x-err'], '1')
  })
})
