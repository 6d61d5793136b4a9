/**
 * What the rules of `sluice check` say about HAProxy is what HAProxy does: of two configurations a rule finds something in
 * one, and that one shows what the rule warns of.
 */
import assert from 'node:assert/strict'
import { Agent as HttpAgent } from 'node:http'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSubject, lint } from '#src/lint/index.js'
import { startBlackHole } from '../support/black-hole.ts'
import { skipWithoutHaproxy } from '../support/haproxy.ts'
import { freePorts } from '../support/ports.ts'
import { RawHttp } from '../support/raw-http.ts'
import { ask, haproxyConfig, spoeFile, startAgent, startSpoe, type SpoeSetting } from './agent-support.ts'

const skip = skipWithoutHaproxy()

const shown = `http-after-response set-header x-ok "%[var(txn.t.ok)]"
  http-after-response set-header x-error "%[var(txn.t.error)]"`
const agentLines = 'messages m\n  option set-on-error error\n  timeout processing 300ms'

/** Whether a rule finds something in what {@link startSpoe} would start. */
function finds(code: string, setting: SpoeSetting): boolean {
  const subject = createSubject({
    configuration: [{ file: 'haproxy.cfg', text: haproxyConfig(1, setting) }],
    spoeFiles: [],
    env: {},
    agentDeadline: undefined,
    branch: undefined,
    readSpoeFile: () => spoeFile(setting),
  })
  return lint(subject, true).some((each) => each.code === code)
}

/** The frontend's port, after the rule was asked. */
async function start(t: TestContext, code: string, found: boolean, setting: SpoeSetting): Promise<number> {
  assert.equal(finds(code, setting), found, code)
  const haproxy = await startSpoe(t, setting)
  return haproxy.ports.fe
}

/** An agent that answers `m` with what it got as `x`: `null`, or how many bytes. */
async function measuringAgent(t: TestContext): Promise<number> {
  const { port } = await startAgent(
    t,
    (agent) =>
      agent.message('m', { x: 'string?' }, ({ x }, actions) => {
        actions.setVar('txn', 'ok', x === undefined ? 'null' : x.length)
      }),
    { fragmentation: false },
  )
  return port
}

for (const [args, found] of [
  ['x=path', false],
  ['x=path url=url', true],
  ['x=path,bytes(0,100) url=url', false],
  ['x=path,hex', true],
] as const) {
  test(`LINT_SPOE_FRAME_MAY_NOT_FIT: the longest path, and ${args}`, { skip }, async (t) => {
    const fe = await start(t, 'LINT_SPOE_FRAME_MAY_NOT_FIT', found, {
      agents: await measuringAgent(t),
      agentLines: `${agentLines}\n  no option send-frag-payload`,
      messages: `spoe-message m\n  args ${args}\n  event on-frontend-http-request`,
      frontend: shown,
    })
    const { status, headers } = await ask(fe, { path: `/${'x'.repeat(15_200)}` })
    assert.equal(status, 200)
    // 3: too big.
    assert.equal(headers['x-error'], found ? '3' : '')
    assert.equal(headers['x-ok'] === '', found)
  })
}

for (const found of [true, false]) {
  test(`LINT_SPOE_NAME_TOO_LONG: ${found ? 64 : 63} characters`, { skip }, async (t) => {
    // An agent refuses the longer one, unless it takes the prefix for shorter than it is.
    const prefix = found ? 'tt' : 't'
    const name = 'x'.repeat(63 - 'txn.t.'.length)
    const { port } = await startAgent(
      t,
      (agent) =>
        agent.message('m', (_, actions) => {
          actions.setVar('txn', name, 'set')
        }),
      { varPrefix: 't' },
    )
    const fe = await start(t, 'LINT_SPOE_NAME_TOO_LONG', found, {
      agents: port,
      agentLines: `${agentLines}\n  option var-prefix ${prefix}`,
      messages: 'spoe-message m\n  args src\n  event on-frontend-http-request',
      frontend: `http-after-response set-header x-ok "%[var(txn.${prefix}.${name})]"`,
    })
    assert.equal((await ask(fe)).headers['x-ok'], found ? '' : 'set')
  })

  test(`LINT_SPOE_BODY_NOT_BUFFERED: ${found ? 'not buffered' : 'buffered'}`, { skip }, async (t) => {
    const fe = await start(t, 'LINT_SPOE_BODY_NOT_BUFFERED', found, {
      agents: await measuringAgent(t),
      agentLines,
      messages: 'spoe-message m\n  args x=req.body,hex\n  event on-frontend-http-request',
      frontend: `${found ? '' : 'option http-buffer-request\n  '}${shown}`,
    })
    const client = new RawHttp(fe)
    t.after(() => client.close())
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1234\r\n\r\n')
    await sleep(100)
    client.send('x'.repeat(1234))
    const reply = await client.reply()
    assert.ok(typeof reply === 'object')
    assert.ok(reply.headers.includes(`x-ok: ${found ? 0 : 2468}`), reply.headers.join('\n'))
  })

  test(`LINT_SPOE_ARGUMENT_TOO_EARLY: ${found ? 'an event' : 'a group'}`, { skip }, async (t) => {
    const send = found ? '' : '  http-request send-spoe-group eng g\n'
    const event = found ? '\n  event on-frontend-http-request' : '\nspoe-group g\n  messages m'
    const fe = await start(t, 'LINT_SPOE_ARGUMENT_TOO_EARLY', found, {
      agents: await measuringAgent(t),
      agentLines: found ? agentLines : agentLines.replace('messages m', 'groups g'),
      messages: `spoe-message m\n  args x=var(txn.id)${event}`,
      frontend: `http-request set-var(txn.id) str(four)\n${send}  ${shown}`,
    })
    assert.equal((await ask(fe)).headers['x-ok'], found ? 'null' : '4')
  })

  test(`LINT_SPOE_SERVER_UNCHECKED: ${found ? 'no check' : 'a check'}`, { skip }, async (t) => {
    const [dead = 0] = await freePorts(1)
    const server = `server a 127.0.0.1:${dead}`
    const fe = await start(t, 'LINT_SPOE_SERVER_UNCHECKED', found, {
      agents: found ? server : `option spop-check\n  ${server} check inter 20ms fall 1`,
      agentLines,
      messages: 'spoe-message m\n  args src\n  event on-frontend-http-request',
      frontend: shown,
    })
    await sleep(200)
    // 1: time-out; 2: no server.
    assert.equal((await ask(fe)).headers['x-error'], found ? '1' : '2')
  })

  test(`LINT_SPOE_CONNECT_OUTLASTS: ${found ? '2 s' : '100 ms'}`, { skip }, async (t) => {
    const hole = await startBlackHole(t)
    const agent = await measuringAgent(t)
    const fe = await start(t, 'LINT_SPOE_CONNECT_OUTLASTS', found, {
      agents: `timeout connect ${found ? '2s' : '100ms'}\n  option redispatch 1\n  server hole 127.0.0.1:${hole} weight 100\n  server a 127.0.0.1:${agent} weight 1`,
      agentLines: agentLines.replace('300ms', '1500ms'),
      messages: 'spoe-message m\n  args x=path\n  event on-frontend-http-request',
      frontend: shown,
    })
    const { headers } = await ask(fe)
    assert.equal(headers['x-ok'], found ? '' : '1')
    assert.equal(headers['x-error'], found ? '1' : '')
  })

  test(`LINT_SPOE_SESS_VERDICT: in ${found ? 'sess' : 'txn'}`, { skip }, async (t) => {
    const scope = found ? 'sess' : 'txn'
    let asked = 0
    const { port } = await startAgent(t, (agent) =>
      agent.message('m', async (_, actions) => {
        if (++asked > 1) await sleep(700)
        actions.setVar(scope, 'known', true)
      }),
    )
    const fe = await start(t, 'LINT_SPOE_SESS_VERDICT', found, {
      agents: port,
      agentLines,
      messages: 'spoe-message m\n  args src\n  event on-frontend-http-request',
      frontend: `http-request deny unless { var(${scope}.t.known) -m bool }`,
    })
    const agent = new HttpAgent({ keepAlive: true, maxSockets: 1 })
    t.after(() => agent.destroy())
    assert.equal((await ask(fe, { agent })).status, 200)
    assert.equal((await ask(fe, { agent })).status, found ? 200 : 403)
  })

  test(
    `LINT_SPOE_ONE_FAILURE_STOPS: ${found ? 'as it is' : 'with continue-on-error'}`,
    { skip },
    async (t) => {
      let late = 0
      const { port } = await startAgent(t, (agent) =>
        agent
          .message('m', () => sleep(600))
          .message('late', () => {
            late += 1
          }),
      )
      const fe = await start(t, 'LINT_SPOE_ONE_FAILURE_STOPS', found, {
        agents: port,
        agentLines: `${agentLines}\n  groups g${found ? '' : '\n  option continue-on-error'}`,
        messages:
          'spoe-message m\n  args src\n  event on-frontend-http-request\nspoe-message late\n  args src\nspoe-group g\n  messages late',
        frontend: 'http-request send-spoe-group eng g',
      })
      await ask(fe)
      assert.equal(late, found ? 0 : 1)
    },
  )

  test(`LINT_SPOE_LOG_RAW: ${found ? 'as it is' : 'with a converter'}`, { skip }, async (t) => {
    const { port } = await startAgent(t, (agent) =>
      agent.message('m', (_, actions) => {
        actions.setVar('txn', 'text', 'one\nforged line')
      }),
    )
    const setting: SpoeSetting = {
      agents: port,
      agentLines,
      messages: 'spoe-message m\n  args src\n  event on-frontend-http-request',
      frontend: `log global\n  log-format "text %[var(txn.t.text)${found ? '' : ',json(utf8s)'}] end"`,
    }
    assert.equal(finds('LINT_SPOE_LOG_RAW', setting), found)
    const haproxy = await startSpoe(t, setting)
    await ask(haproxy.ports.fe)
    const log = await haproxy.waitForLog(/ end\n/)
    assert.equal(/^forged line/m.test(log), found, log)
  })

  test(`LINT_SPOE_EVENT_MODE: ${found ? 'tcp' : 'http'}`, { skip }, async (t) => {
    let asked = 0
    const { port } = await startAgent(t, (agent) =>
      agent.message('m', () => {
        asked += 1
      }),
    )
    const [origin = 0] = await freePorts(1)
    const fe = await start(t, 'LINT_SPOE_EVENT_MODE', found, {
      agents: port,
      agentLines,
      messages: 'spoe-message m\n  args src\n  event on-frontend-http-request',
      answer: `mode ${found ? 'tcp' : 'http'}\n  default_backend origin\nbackend origin\n  mode ${found ? 'tcp' : 'http'}\n  server o 127.0.0.1:${origin}`,
    })
    await ask(fe).catch(() => undefined)
    assert.equal(asked, found ? 0 : 1)
  })
}

for (const [delay, found, sent, closed] of [
  ['', true, 0, false],
  ['tcp-request inspect-delay 100ms', true, 1, false],
  ['tcp-request inspect-delay 2s', false, 1, true],
] as const) {
  test(`LINT_SPOE_INSPECT_DELAY: '${delay}'`, { skip }, async (t) => {
    let asked = 0
    const { port } = await startAgent(t, (agent) =>
      agent.message('m', async (_, actions) => {
        asked += 1
        await sleep(250)
        actions.setVar('txn', 'bad', true)
      }),
    )
    const fe = await start(t, 'LINT_SPOE_INSPECT_DELAY', found, {
      agents: port,
      agentLines: `groups g\n  timeout processing 1s`,
      messages: 'spoe-message m\n  args src\nspoe-group g\n  messages m',
      frontend: `${delay}\n  tcp-request content send-spoe-group eng g\n  tcp-request content reject if { var(txn.t.bad) -m bool }`,
    })
    const status = await ask(fe).then(
      (answer) => answer.status,
      () => 0,
    )
    assert.deepEqual([asked, status], [sent, closed ? 0 : 200])
  })
}
