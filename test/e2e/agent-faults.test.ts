/** Handlers that fail and agents that go, as HAProxy and its clients see it; and the ways to an agent: unix, TLS. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CorrelationStore, createAgent } from 'sluice/agent'
import { skipWithoutHaproxy } from '../support/haproxy.ts'
import { until } from '../support/until.ts'
import { ask, serverState, startAgent, startSpoe } from './agent-support.ts'

const skip = skipWithoutHaproxy()

const messages = 'spoe-message m\n  args path\n  event on-frontend-http-request'
const agentLines = 'messages m\n  timeout processing 200ms\n  option set-on-error err'
const frontend = `http-after-response set-header x-ok "%[var(txn.t.ok)]"
  http-after-response set-header x-err "%[var(txn.t.err)]"
  http-request deny if { var(txn.t.deny) -m bool }`

describe('handlers that fail', { skip }, () => {
  it('one that is slower than HAProxy waits costs the client that time, and nobody else', async (t) => {
    const { agent, port } = await startAgent(
      t,
      (it) =>
        it.message('m', { '#0': 'string' }, async ({ '#0': path }, actions) => {
          if (path === '/slow') await sleep(400)
          actions.setVar('txn', 'ok', path)
        }),
      { deadline: 0 },
    )
    const haproxy = await startSpoe(t, { agents: port, agentLines, messages, frontend })
    const { fe } = haproxy.ports
    const slow = await ask(fe, { path: '/slow' })
    assert.deepEqual([slow.headers['x-ok'], slow.headers['x-err']], ['', '1'], 'a timeout')
    assert.equal((await ask(fe, { path: '/a' })).headers['x-ok'], '/a')
    await until(() => agent.stats.inFlight === 0, 'the late answer has left')
    assert.equal((await ask(fe, { path: '/b' })).headers['x-ok'], '/b', 'and was ignored')
    assert.deepEqual(agent.stats.errors, {})
  })

  it('with continue-on-error its late answer is not taken for that to the next message', async (t) => {
    // HAProxy 2.6 gives the second message the ids of the first, whose answer comes while the second is worked on.
    const { agent, port } = await startAgent(
      t,
      (it) => {
        it.message('first', async (_, actions) => {
          await sleep(600)
          actions.setVar('txn', 'first', 'late')
        })
        it.message('second', async (_, actions) => {
          await sleep(300)
          actions.setVar('txn', 'second', 'in time')
        })
      },
      { deadline: 0 },
    )
    const haproxy = await startSpoe(t, {
      agents: port,
      agentLines: 'messages first second\n  timeout processing 500ms\n  option continue-on-error',
      messages: `
spoe-message first
  event on-frontend-http-request
spoe-message second
  event on-http-response`,
      frontend: ['first', 'second']
        .map((name) => `http-response set-header x-${name} "%[var(txn.t.${name})]"`)
        .join('\n  '),
      answer: `default_backend web
frontend origin
  bind unix@origin.sock
  http-request return status 200
backend web
  server o unix@origin.sock`,
    })
    const { headers } = await ask(haproxy.ports.fe)
    assert.deepEqual([headers['x-first'], headers['x-second']], ['', 'in time'])
    assert.deepEqual(agent.stats.errors, { ERR_AGENT_SUPERSEDED: 1 })
    await until(() => agent.stats.messages.get('first')?.late === 1, 'the first one is late')
    assert.equal(agent.stats.frames.acks, 1)
  })

  it('with a deadline below that, the fallback decides: open or closed', async (t) => {
    for (const closed of [false, true]) {
      const { agent, port } = await startAgent(
        t,
        (it) =>
          it.message('m', { '#0': 'string' }, async ({ '#0': path }, actions) => {
            if (path === '/throw') throw new Error('no')
            if (path === '/slow') await sleep(400)
            actions.setVar('txn', 'ok', path)
          }),
        closed
          ? { deadline: 50, fallback: (actions) => void actions.setVar('txn', 'deny', true) }
          : { deadline: 50 },
      )
      const haproxy = await startSpoe(t, { agents: port, agentLines, messages, frontend })
      for (const path of ['/slow', '/throw']) {
        const { status, headers } = await ask(haproxy.ports.fe, { path })
        assert.equal(status, closed ? 403 : 200, path)
        assert.deepEqual([headers['x-ok'], headers['x-err']], ['', ''], 'no error for HAProxy')
      }
      assert.equal((await ask(haproxy.ports.fe, { path: '/fine' })).headers['x-ok'], '/fine')
      assert.deepEqual(agent.stats.errors, { ERR_AGENT_DEADLINE: 1, ERR_AGENT_HANDLER: 1 })
      assert.doesNotMatch(haproxy.logs(), /st=[1-9]/)
    }
  })

  it('answers that are too large lose what does not fit, and no more', async (t) => {
    const { agent, port } = await startAgent(t, (it) =>
      it.message('m', (_, actions) => {
        actions.setVar('txn', 'ok', 'before')
        assert.equal(actions.setVar('txn', 'big', 'x'.repeat(20_000)), false)
        actions.setVar('txn', 'after', 'after')
      }),
    )
    const haproxy = await startSpoe(t, {
      agents: port,
      agentLines: `${agentLines}\n  register-var-names big`,
      messages,
      frontend: `${frontend}\n  http-after-response set-header x-after "%[var(txn.t.after)]"`,
    })
    const { headers } = await ask(haproxy.ports.fe)
    assert.deepEqual([headers['x-ok'], headers['x-after'], headers['x-err']], ['before', 'after', ''])
    assert.equal(agent.stats.errors['ERR_AGENT_ACK_TOO_BIG'], 1)
  })

  it('an agent that dies fails what it was working on at once, and the rest waits for nothing', async (t) => {
    const { agent, port } = await startAgent(t, (it) => it.message('m', () => new Promise(() => {})), {
      deadline: 0,
    })
    const haproxy = await startSpoe(t, { agents: port, agentLines, messages, frontend })
    const asked = ask(haproxy.ports.fe)
    await until(() => agent.stats.inFlight === 1, 'it is asked')
    agent.destroy()
    const { status, headers } = await asked
    assert.equal(status, 200)
    assert.equal(headers['x-err'], '257', '256 and the status for an I/O error')
  })
})

describe('the answer to a response', { skip }, () => {
  it('knows what the request has told, by its unique-id', async (t) => {
    const users = new CorrelationStore<string>()
    t.after(() => users.clear())
    const { port } = await startAgent(t, (agent) => {
      agent.message('request', { id: 'string', user: 'string' }, ({ id, user }) => users.set(id, user))
      agent.message(
        'response',
        { id: 'string', code: 'integer' },
        async ({ id, code }, actions, { signal }) => {
          const user = await users.wait(id, 100, signal)
          actions.setVar('txn', 'ok', `${user ?? 'nobody'} ${code}`)
        },
      )
    })
    const haproxy = await startSpoe(t, {
      agents: port,
      agentLines: 'messages request response',
      messages: `
spoe-message request
  args id=unique-id user=req.hdr(x-user)
  event on-frontend-http-request
spoe-message response
  args id=unique-id code=status
  event on-http-response`,
      frontend: 'unique-id-format %{+X}o%ci%cp%rt\n  http-response set-header x-ok "%[var(txn.t.ok)]"',
      answer: `default_backend web
frontend origin
  bind unix@origin.sock
  http-request return status 201
backend web
  server origin unix@origin.sock`,
    })
    await Promise.all(
      Array.from({ length: 30 }, async (_, n) => {
        const { headers } = await ask(haproxy.ports.fe, { headers: { 'x-user': `user${n}` } })
        assert.equal(headers['x-ok'], `user${n} 201`)
      }),
    )
    assert.deepEqual(users.stats, { size: 0, waiting: 0, evicted: 0, expired: 0, missed: 0 })
  })
})

const noOpenssl = spawnSync('openssl', ['version']).status === 0 ? false : 'openssl is not installed'
if (noOpenssl !== false) process.stderr.write(`\nSKIPPED: ${noOpenssl}\n\n`)

describe('ways to the agent', { skip }, () => {
  it('a unix socket', async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'sluice-agent-'))
    t.after(() => rmSync(dir, { recursive: true, force: true }))
    const agent = createAgent({ closeDelay: 50 }).message(
      'm',
      (_, actions, { connection }) => void actions.setVar('txn', 'ok', connection.peer),
    )
    t.after(() => agent.destroy())
    await agent.listen(`unix@${dir}/agent.sock`, { mode: 0o600 })
    const agents = `option spop-check\n  server a unix@${dir}/agent.sock check inter 50ms`
    const haproxy = await startSpoe(t, { agents, agentLines, messages, frontend })
    await until(
      async () =>
        (await serverState(haproxy.dir, 'agents', 'a')).status === 'UP' &&
        agent.stats.connections.healthChecks > 0,
      'it is up',
    )
    assert.equal((await ask(haproxy.ports.fe)).headers['x-ok'], 'unix')
  })

  it('mutual TLS, health checks included', { skip: noOpenssl }, async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'sluice-agent-'))
    t.after(() => rmSync(dir, { recursive: true, force: true }))
    const run = (...args: string[]) =>
      execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] })
    for (const name of ['agent', 'haproxy']) {
      const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
      run('req', '-x509', ...key, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.crt`)
    }
    const read = (name: string) => readFileSync(join(dir, name))
    writeFileSync(join(dir, 'haproxy.pem'), Buffer.concat([read('haproxy.crt'), read('haproxy.key')]))
    const tls = {
      cert: read('agent.crt'),
      key: read('agent.key'),
      ca: read('haproxy.crt'),
      requestCert: true,
    }
    const { agent, port } = await startAgent(
      t,
      (it) =>
        it.message('m', (_, actions, { connection: { certificate } }) =>
          actions.setVar('txn', 'ok', certificate?.subject ?? 'nobody'),
        ),
      { tls },
    )
    const ssl = `ssl verify required ca-file ${dir}/agent.crt crt ${dir}/haproxy.pem`
    const agents = `option spop-check\n  server a 127.0.0.1:${port} ${ssl} check inter 50ms`
    const haproxy = await startSpoe(t, { agents, agentLines, messages, frontend })
    await until(() => agent.stats.connections.healthChecks > 1, 'it is checked')
    assert.equal((await serverState(haproxy.dir, 'agents', 'a')).status, 'UP')
    for (let count = 0; count < 20; count++)
      assert.equal((await ask(haproxy.ports.fe)).headers['x-ok'], 'CN=haproxy')
    agent.drain()
    await until(
      async () => (await serverState(haproxy.dir, 'agents', 'a')).status.startsWith('DOWN'),
      'it is down',
    )
    // A check that is given up in its TLS handshake may be counted as a reset; nothing of SPOP or the agent is.
    for (const code of Object.keys(agent.stats.errors)) assert.doesNotMatch(code, /^ERR_(SPOP|AGENT)/)
  })
})
