/** `sluice agent ip-reputation`: its addresses, its list, its trace. */
import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Endpoint } from 'sluice'
import { IpAddress } from 'sluice/agent'
import { Cli, makeFolder, runCli } from '../support/sluice.ts'
import { SpopClient } from '../support/spop-client.ts'

const folder = makeFolder({
  'good.lst': '192.0.2.0/24 10 # documentation\n\n192.0.2.7 55\n2001:db8::/32 40\n',
  'bad.lst': '192.0.2.0/24 10\n192.0.2.300 1\n\n192.0.2.1\n192.0.2.2 101\n192.0.2.3 7 8\n',
})
after(() => folder.remove())

async function scoreOf(client: SpopClient, address: string | null): Promise<unknown> {
  const ip = address === null ? null : IpAddress.parse(address)
  const actions = await client.notify({ name: 'get-ip-reputation', args: [['ip', ip]] })
  const [action] = actions
  if (action === undefined) return undefined
  assert.equal(action.scope, 'sess')
  assert.equal(action.name, 'ip_score')
  return action.type === 'set-var' && 'value' in action.value ? Number(action.value.value) : 'nothing'
}

async function startAgent(...args: string[]): Promise<{ agent: Cli; address: Endpoint }> {
  const agent = new Cli(['agent', 'ip-reputation', '--listen', '127.0.0.1:0', ...args], { cwd: folder.dir })
  const port = Number((await agent.waitFor(/listens on 127\.0\.0\.1:(\d+)/))[1])
  return { agent, address: { type: 'tcp', host: '127.0.0.1', port } }
}

test('--status opens a port that says whether it is ready, and tells of its list', async () => {
  const { agent } = await startAgent('--list', 'good.lst', '--status', ':0')
  try {
    const [, url = ''] = await agent.waitFor(/^status on (http:\/\/127\.0\.0\.1:\d+\/)$/m)
    assert.equal((await fetch(`${url}readyz`)).status, 200)
    const metrics = await (await fetch(`${url}metrics`)).text()
    assert.match(metrics, /^sluice_agent_data\{source="list",field="entries"\} 3$/m)
  } finally {
    await agent.stop()
  }
})

test('it answers from its list', async () => {
  const { agent, address } = await startAgent('--list', 'good.lst')
  try {
    await agent.waitFor(/^ip-reputation listens on 127\.0\.0\.1:\d+ \(3 ranges\)$/m)
    const client = await SpopClient.open(address)
    assert.equal(await scoreOf(client, '192.0.2.1'), 10)
    assert.equal(await scoreOf(client, '192.0.2.7'), 55)
    assert.equal(await scoreOf(client, '2001:db8::1'), 40)
    assert.equal(await scoreOf(client, '198.51.100.1'), 100)
    assert.equal(await scoreOf(client, null), undefined)
    assert.deepEqual(await client.notify({ name: 'something-else', args: [] }), [])
    agent.signal('SIGTERM')
    assert.equal((await agent.ended).code, 0)
    await client.closed
  } finally {
    await agent.stop()
  }
})

test('without a list everybody is good', async () => {
  const { agent, address } = await startAgent()
  try {
    const client = await SpopClient.open(address)
    assert.equal(await scoreOf(client, '192.0.2.1'), 100)
    client.close()
  } finally {
    await agent.stop()
  }
})

test('every wrong line of the list is named', async () => {
  const { code, stdout, stderr } = await runCli(
    ['agent', 'ip-reputation', '-l', '127.0.0.1:0', '--list', 'bad.lst'],
    { cwd: folder.dir },
  )
  assert.equal(
    stderr,
    `sluice: bad.lst:2: '192.0.2.300' is not an address or CIDR range
bad.lst:4: '' is not a score from 0 to 100
bad.lst:5: '101' is not a score from 0 to 100
bad.lst:6: '8' behind the score (ERR_SLUICE_OPTION)
`,
  )
  assert.equal(stdout, '')
  assert.equal(code, 1)
})

test('unix sockets: permissions, a stale file, and removal', async () => {
  const path = join(folder.dir, 'agent.sock')
  const run = () =>
    new Cli(['agent', 'ip-reputation', '-l', path, '--mode', '660', '-l', '127.0.0.1:0'], { cwd: folder.dir })
  const first = run()
  try {
    const [, port] = await first.waitFor(/127\.0\.0\.1:(\d+)/)
    assert.equal(statSync(path).mode & 0o777, 0o660)
    for (const address of [
      { type: 'unix', path },
      { type: 'tcp', host: '127.0.0.1', port: Number(port) },
    ] as const) {
      const client = await SpopClient.open(address)
      assert.equal(await scoreOf(client, '192.0.2.1'), 100)
      client.close()
    }
  } finally {
    await first.stop()
  }
  // Killed, it leaves its socket behind; that is no obstacle.
  assert.ok(statSync(path).isSocket())
  const second = run()
  try {
    await second.waitFor(/127\.0\.0\.1:(\d+)/)
    const client = await SpopClient.open({ type: 'unix', path })
    assert.equal(await scoreOf(client, '192.0.2.1'), 100)
    client.close()
    second.signal('SIGTERM')
    assert.equal((await second.ended).code, 0)
    assert.throws(() => statSync(path), /ENOENT/)
  } finally {
    await second.stop()
  }
})

test('--trace shows the frames', async () => {
  const { agent, address } = await startAgent('--trace')
  try {
    const client = await SpopClient.open(address)
    await scoreOf(client, '192.0.2.9')
    client.close()
    await agent.waitFor(/^recv 1 HAPROXY-HELLO versions=2\.0 max-frame-size=16380 .*engine-id=test$/m)
    await agent.waitFor(/^recv 1 NOTIFY 1\/1 get-ip-reputation\(ip=192\.0\.2\.9\)$/m)
    await agent.waitFor(/^send 1 ACK 1\/1 set\(sess\.ip_score=100\)$/m)
  } finally {
    await agent.stop()
  }
})

test('what cannot be done is said', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  const { port } = taken.address() as AddressInfo
  const run = (...args: string[]) => runCli(['agent', 'ip-reputation', ...args], { cwd: folder.dir })
  const [nowhere, address, list, mode, wrong] = await Promise.all([
    run(),
    run('-l', `127.0.0.1:${port}`),
    run('-l', '127.0.0.1:0', '--list', 'none.lst'),
    run('-l', join(folder.dir, 'x.sock'), '--mode', 'rw'),
    run('-l', 'nonsense'),
  ])
  taken.close()
  assert.match(nowhere.stderr, /^sluice: ip-reputation wants --listen ADDRESS, or --config FILE /)
  assert.match(address.stderr, new RegExp(`^sluice: .*127\\.0\\.0\\.1:${port}: the address is in use`))
  assert.match(list.stderr, /^sluice: --list none\.lst: ENOENT/)
  assert.match(mode.stderr, /^sluice: --mode rw: use octal, such as 660 \(ERR_SLUICE_OPTION\)\n$/)
  assert.match(wrong.stderr, /^sluice: .*'nonsense'.*\(ERR_SLUICE_ADDRESS\)\n$/)
  for (const { code, stdout, stderr } of [nowhere, address, list, mode, wrong]) {
    assert.equal(code, 1)
    assert.equal(stdout, '')
    assert.equal(stderr.trim().split('\n').length, 1, stderr)
  }
})
