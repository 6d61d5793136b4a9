/** What all ready agents do: answers that reset, the failure policy, readiness, reloading. */
import assert from 'node:assert/strict'
import { copyFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { silentLogger } from 'sluice'
import { readReadyConfig } from '#src/services/host/config.js'
import { startReadyAgents } from '#src/services/host/host.js'
import { Cli, makeFolder, root } from '../support/sluice.ts'
import { SpopClient } from '../support/spop-client.ts'
import { until } from '../support/until.ts'

const own = (lines: string) => `agents:\n  own:\n    use: ./own.mjs\n    deadline_ms: 1500\n${lines}`

function folderOf(t: TestContext, text: string) {
  const { dir, remove } = makeFolder({ 'agents.yaml': text })
  copyFileSync(join(root, 'test/services/fixtures/own-agent.js'), join(dir, 'own.mjs'))
  t.after(() => remove())
  return join(dir, 'agents.yaml')
}

async function start(t: TestContext, lines: string) {
  const file = folderOf(t, own(lines))
  const agents = await startReadyAgents(await readReadyConfig({ file }), silentLogger, { closeDelay: 1 })
  t.after(() => agents.close())
  const address = await agents.agent.listen('127.0.0.1:0')
  const client = await SpopClient.open(address)
  t.after(() => client.close())
  const ask = (how: string | null, name = 'own') => variables(client, name, how)
  const reload = async (text: string) => {
    writeFileSync(file, own(text))
    return agents.reload(await readReadyConfig({ file }))
  }
  return { agents, ask, reload, client }
}

/** What an answer sets, by scope and name; took_us is a time, and only that it is one is looked at. */
async function variables(client: SpopClient, name: string, how: string | null) {
  const found: Record<string, unknown> = {}
  for (const action of await client.notify({ name, args: [['how', how]] })) {
    assert.equal(action.type, 'set-var')
    if (action.type !== 'set-var') continue
    const value = 'value' in action.value ? action.value.value : undefined
    found[`${action.scope}.${action.name}`] = typeof value === 'bigint' ? Number(value) : value
  }
  assert.ok(Number(found['txn.took_us']) >= 0)
  delete found['txn.took_us']
  return found
}

const all = { 'txn.greeting': 'hello', 'txn.count': 5, 'txn.flag': true }
const none = { 'txn.greeting': '', 'txn.count': -1, 'txn.flag': false }
const said = (ok: boolean, verdict: string, reason: string) => ({
  'txn.ok': ok,
  'txn.verdict': verdict,
  'txn.reason': reason,
})

for (const [policy, ok, verdict] of [
  ['open', true, 'allow'],
  ['closed', false, 'deny'],
] as const) {
  test(`every answer sets every output, and ${policy} decides where there is none`, async (t) => {
    const { ask, agents } = await start(t, `    on_error: ${policy}\n`)
    assert.deepEqual(await ask('fine'), { ...said(true, 'allow', 'fine'), ...all })
    assert.deepEqual(await ask('later'), { ...said(true, 'allow', 'later'), ...all })
    assert.deepEqual(await ask('fine', 'own-more'), { ...said(true, 'allow', 'more'), ...all })
    assert.deepEqual(await ask('deny'), { ...said(false, 'deny', 'told'), ...none })
    assert.deepEqual(await ask('throw'), { ...said(ok, verdict, 'error'), ...none })
    assert.deepEqual(await ask('reject'), { ...said(ok, verdict, 'error'), ...none })
    assert.deepEqual(await ask('hang'), { ...said(ok, verdict, 'deadline'), ...none })
    assert.deepEqual(await ask('policy'), { ...said(ok, verdict, 'no_data'), ...none, 'txn.count': 7 })
    const odd = { 'txn.greeting': 'abc', 'txn.count': 2, 'txn.flag': false }
    assert.deepEqual(await ask('odd'), { ...said(false, 'odd', 'x'), ...odd })
    const metrics = agents.agent.metrics()
    for (const [name, labels, value] of [
      ['requests_total', 'agent="own",verdict="other"', 1],
      ['policy_answers_total', 'agent="own",kind="error"', 2],
      ['policy_answers_total', 'agent="own",kind="deadline"', 1],
      ['policy_answers_total', 'agent="own",kind="no_data"', 1],
      ['duration_seconds_count', 'agent="own"', 9],
    ] as const) {
      assert.ok(
        metrics.includes(`sluice_agent_${name}{${labels}} ${value}\n`),
        `${name} ${labels}\n${metrics}`,
      )
    }
    assert.deepEqual(agents.agent.status.readSources(), [
      { name: 'own/mood', ok: true, fields: { ok: true, ageSeconds: 3 } },
    ])
    const families = [...metrics.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
    assert.deepEqual(families, [...new Set(families)], 'a family stands in one place')
  })
}

test('only the outputs that are wanted are sent, and those of the frame', async (t) => {
  const { ask } = await start(t, '    outputs: [count]\n')
  assert.deepEqual(await ask('fine'), { ...said(true, 'allow', 'fine'), 'txn.count': 5 })
})

test('a reload replaces what has changed, and changes nothing when it cannot', async (t) => {
  const { ask, reload, agents } = await start(t, '    greeting: one\n')
  const greeting = async () => (await ask('fine'))['txn.greeting']
  const success = () => /reload_success (\d)/.exec(agents.agent.metrics())?.[1]
  assert.equal(await greeting(), 'one')
  const underWay = ask('later')
  await until(() => agents.agent.stats.inFlight === 1, 'a message waits')
  assert.deepEqual(await reload('    greeting: two\n    on_error: closed\n'), [])
  assert.equal((await underWay)['txn.greeting'], 'one', 'what was asked before is answered as it was then')
  assert.equal(await greeting(), 'two')
  assert.equal((await ask('throw'))['txn.verdict'], 'deny')
  await assert.rejects(reload('    greeting: refuse\n'), /cannot be made/)
  assert.deepEqual([await greeting(), success()], ['two', '0'])
  await assert.rejects(reload('    greeting: sad\n'), /own would not be ready: mood: no data/)
  assert.deepEqual([await greeting(), success(), agents.ready], ['two', '0', true])
  assert.deepEqual(await reload('    greeting: three\n  more: {use: ./own.mjs}\n'), [
    'the set of agents has changed: restart for it',
    'deadline_ms has changed: restart for it',
  ])
  assert.deepEqual([await greeting(), success()], ['three', '1'])
})

test('an agent without its data is not ready, and becomes so by a reload', async (t) => {
  const { agents, reload } = await start(t, '    greeting: sad\n')
  assert.equal(agents.ready, false)
  assert.equal(agents.agent.ready, false, 'health checks fail')
  await reload('    greeting: well\n')
  assert.equal(agents.agent.ready, true)
})

test('the command reads its file again at SIGHUP and at a change, and keeps the old one when it is wrong', async (t) => {
  const file = folderOf(t, `listen: 127.0.0.1:0\n${own('    greeting: sad\n')}`)
  const cli = new Cli(['agent', '--config', file, '--status', '127.0.0.1:0'])
  t.after(() => cli.stop())
  const [, port] = await cli.waitFor(/^own on 127\.0\.0\.1:(\d+), not ready yet$/m)
  await cli.waitFor(/^not ready: own: mood: no data$/m)
  const client = await SpopClient.open({ type: 'tcp', host: '127.0.0.1', port: Number(port) })
  t.after(() => client.close())
  const greeting = async () => (await variables(client, 'own', 'fine'))['txn.greeting']
  const replace = (text: string) => {
    writeFileSync(`${file}.new`, text)
    renameSync(`${file}.new`, file)
  }
  assert.equal(await greeting(), 'sad')
  const [, status = ''] = await cli.waitFor(/^status on (http:\S+)$/m)
  const get = async (path: string) => {
    const response = await fetch(new URL(path, status))
    return { status: response.status, text: await response.text() }
  }
  const sad = await get('/readyz')
  assert.equal(sad.status, 503)
  assert.match(sad.text, /mood: no data/)
  replace(`listen: 127.0.0.1:0\n${own('    greeting: well\n')}`)
  await cli.waitFor(/agents\.yaml: read again/)
  await cli.waitFor(/^ready$/m)
  assert.equal(await greeting(), 'well')
  assert.equal((await get('/readyz')).status, 200)
  const metrics = await get('/metrics')
  assert.match(metrics.text, /^sluice_agent_requests_total\{agent="own",verdict="allow"\} 2$/m)
  assert.match(metrics.text, /^sluice_agent_data_ok\{source="own\/mood"\} 1$/m)
  const families = [...metrics.text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
  assert.deepEqual(families, [...new Set(families)], 'a family stands in one place')
  replace(`listen: 127.0.0.1:0\n${own('    gretting: x\n')}`)
  await cli.waitFor(/kept the old configuration: .*\n.*agents\.yaml:6:15: gretting: is not for me/)
  assert.equal(await greeting(), 'well')
  replace(`listen: 127.0.0.1:7\n${own('    greeting: third\n')}`)
  await cli.waitFor(/listen has changed: restart for it/)
  cli.signal('SIGHUP')
  await cli.waitFor(/SIGHUP: .*agents\.yaml: read again/)
  assert.equal(await greeting(), 'third')
  cli.signal('SIGTERM')
  assert.equal((await cli.ended).code, 0)
})
