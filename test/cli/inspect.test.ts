/** `sluice inspect --listen A --forward B` as a command, between a client and an agent. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, constants, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAgent } from 'sluice/agent'
import { formatEndpoint, IpAddress, parseEndpoint, type Endpoint } from 'sluice'
import { frame } from '../inspect/support.ts'
import { Cli, runCli } from '../support/sluice.ts'
import { SpopClient } from '../support/spop-client.ts'

/** An agent that answers `check(ip, cookie)`. */
async function startAgent(t: TestContext, where = '127.0.0.1:0'): Promise<Endpoint> {
  const agent = createAgent({ logger: false, closeDelay: 10 })
  agent.message('check', { ip: 'ip', cookie: 'string?' }, ({ ip, cookie }, actions) => {
    actions.setVar('txn', 'ip', ip.toString())
    if (cookie !== undefined) actions.setVar('txn', 'length', cookie.length)
  })
  agent.message('other', {}, () => {})
  t.after(() => agent.destroy())
  return agent.listen(where)
}

/** The command between the two, and a client of it. */
async function startTap(
  t: TestContext,
  forward: Endpoint,
  args: readonly string[] = [],
  listen = '127.0.0.1:0',
) {
  const cli = new Cli(['inspect', '--listen', listen, '--forward', formatEndpoint(forward), ...args])
  t.after(() => cli.stop())
  const [, bound = ''] = await cli.waitFor(/inspecting (\S+) -> /)
  return { cli, endpoint: parseEndpoint(bound) }
}

const ip = ['ip', IpAddress.parse('192.0.2.1')] as const
const check = (...more: (readonly [string, string])[]) => ({ name: 'check', args: [ip, ...more] })

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'sluice-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

describe('sluice inspect', () => {
  it('passes on what both say, and prints every frame with names, types and times', async (t) => {
    const { cli, endpoint } = await startTap(t, await startAgent(t))
    const client = await SpopClient.open(endpoint)
    const actions = await client.notify(check())
    assert.deepEqual(
      actions.map(({ name }) => name),
      ['ip'],
    )
    client.close()
    await cli.waitFor(/< ACK/)
    const lines = cli.stdout.split('\n').map((line) => line.replace(/^\d\d:\d\d:\d\d\.\d\d\d #1 {3}/, ''))
    assert.match(lines[0] ?? '', /^ {2}connection 127\.0\.0\.1:\d+ -> 127\.0\.0\.1:\d+$/)
    assert.equal(
      lines[1],
      '> HAPROXY-HELLO  91 bytes  supported-versions=string "2.0"  max-frame-size=uint32 16380  capabilities=string "pipelining"  engine-id=string "test"',
    )
    assert.match(
      lines[2] ?? '',
      /^< AGENT-HELLO {2}78 bytes {2}version=string "2\.0" {2}max-frame-size=uint32 16380 {2}/,
    )
    assert.equal(lines[3], '> NOTIFY  1/1  22 bytes')
    assert.equal(lines[4], `${' '.repeat(20)}message check ip=ipv4 192.0.2.1`)
    assert.match(lines[5] ?? '', /^< ACK {2}1\/1 {2}24 bytes {2}after [\d.]+ ms$/)
    assert.equal(lines[6], `${' '.repeat(20)}set-var txn.ip = string "192.0.2.1"`)
  })

  it('hides cookies, unless told otherwise', async (t) => {
    const agent = await startAgent(t)
    for (const [args, shown] of [
      [[], /cookie=string \(hidden, 8 characters\)/],
      [['--show-secrets'], /cookie=string "sid=1234"/],
    ] as const) {
      const { cli, endpoint } = await startTap(t, agent, args)
      const client = await SpopClient.open(endpoint)
      t.after(() => client.close())
      assert.equal((await client.notify(check(['cookie', 'sid=1234']))).length, 2)
      await cli.waitFor(shown)
    }
  })

  it('--json is a line of JSON for each', async (t) => {
    const { cli, endpoint } = await startTap(t, await startAgent(t), ['--json', '--processing-timeout', '1s'])
    const client = await SpopClient.open(endpoint)
    await client.notify(check())
    client.close()
    await cli.waitFor(/"kind":"end".*"from":"server"/)
    const entries = cli.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    assert.deepEqual(
      entries.map(({ kind, name }) => name ?? kind),
      ['open', 'HAPROXY-HELLO', 'AGENT-HELLO', 'NOTIFY', 'ACK', 'end', 'end'],
    )
    assert.deepEqual(entries[3]?.['details'], [
      { kind: 'message', name: 'check', values: [{ name: 'ip', type: 'ipv4', value: '192.0.2.1' }] },
    ])
  })

  it('--delay and --drop hold up one message and no other, and say what HAProxy makes of it', async (t) => {
    const args = ['--delay', 'check=150ms', '--drop', 'other', '--processing-timeout', '100ms']
    const { cli, endpoint } = await startTap(t, await startAgent(t), args)
    const client = await SpopClient.open(endpoint)
    const lost = client.notify({ name: 'other', args: [] })
    lost.catch(() => {})
    const started = performance.now()
    await Promise.all([client.notify(check()), client.notify({ name: 'unknown', args: [] })])
    assert.ok(performance.now() - started >= 149)
    await cli.waitFor(/ACK \d+ ms after the stream timed out/)
    await cli.waitFor(/no ACK for NOTIFY 1\/1 \(other\) within 100 ms: HAProxy goes on with the error 1/)
    client.close()
    await assert.rejects(lost)
  })

  it('--drop and --delay take all fragments of a message, or none', async (t) => {
    const came: Buffer[] = []
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', (chunk) => came.push(chunk))
    })
    t.after(() => server.close())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const { cli, endpoint } = await startTap(t, { type: 'tcp', host: '127.0.0.1', port }, ['--drop', 'other'])
    assert.ok(endpoint.type === 'tcp')
    const socket = connect(endpoint.port, endpoint.host)
    t.after(() => socket.destroy())
    const dropped = [frame('03 00 00 00 00 01 01 05 "oth"'), frame('00 00 00 00 01 01 01 "er" 00')]
    const passed = [frame('03 00 00 00 00 03 01 05 "che"'), frame('00 00 00 00 01 03 01 "ck" 00')]
    for (const bytes of [dropped[0], dropped[1], passed[0]]) socket.write(bytes as Buffer)
    await cli.waitFor(/NOTIFY {2}3\/1/)
    assert.deepEqual(Buffer.concat(came), Buffer.alloc(0))
    socket.write(passed[1] as Buffer)
    await cli.waitFor(/message check/)
    socket.end()
    await cli.waitFor(/> end/)
    for (let tries = 0; tries < 200 && came.length === 0; tries++) await sleep(10)
    assert.deepEqual(Buffer.concat(came), Buffer.concat(passed))
  })

  it('a side that ends, and one that resets, does so at the other end as well', async (t) => {
    const events: string[] = []
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('data', (chunk: Buffer) => events.push(chunk.toString()))
      socket.on('end', () => {
        events.push('end')
        socket.end('bye')
      })
      socket.on('error', (error: NodeJS.ErrnoException) => events.push(String(error.code)))
      socket.on('close', () => events.push('close'))
    })
    t.after(() => server.close())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const { cli, endpoint } = await startTap(t, { type: 'tcp', host: '127.0.0.1', port })
    assert.ok(endpoint.type === 'tcp')
    const first = connect(endpoint.port, endpoint.host)
    let answer = ''
    first.on('data', (chunk: Buffer) => (answer += chunk.toString()))
    first.end('hi')
    await new Promise((resolve) => first.once('close', resolve))
    assert.equal(answer, 'bye')
    const second = connect(endpoint.port, endpoint.host)
    second.on('error', () => {})
    second.write('hi')
    for (let tries = 0; tries < 500 && events.filter((each) => each === 'hi').length < 2; tries++)
      await sleep(10)
    second.resetAndDestroy()
    await cli.waitFor(/#2 .*> reset/)
    for (let tries = 0; tries < 500 && events.filter((each) => each === 'close').length < 2; tries++)
      await sleep(10)
    assert.deepEqual(events, ['hi', 'end', 'close', 'hi', 'ECONNRESET', 'close'])
    assert.doesNotMatch(cli.stdout, /#2 .*< reset/)
  })

  it('unix sockets, both ends', async (t) => {
    const dir = folder(t)
    const agent = await startAgent(t, join(dir, 'agent.sock'))
    const { cli, endpoint } = await startTap(t, agent, [], join(dir, 'tap.sock'))
    const client = await SpopClient.open(endpoint)
    await client.notify(check())
    client.close()
    await cli.waitFor(/connection unix -> unix@/)
    await cli.waitFor(/< ACK/)
    // Its terminal has gone.
    cli.signal('SIGHUP')
    assert.equal((await cli.ended).code, 0)
    assert.equal(existsSync(join(dir, 'tap.sock')), false)
  })

  it('a capture that cannot be written any more is told, and connections pass on', async (t) => {
    const pipe = join(folder(t), 'a.pcap')
    execFileSync('mkfifo', [pipe])
    // Its reader goes: as far as writing is concerned that is a disk that is full, and sooner had.
    const reader = openSync(pipe, constants.O_RDWR)
    const { cli, endpoint } = await startTap(t, await startAgent(t), ['--pcap', pipe])
    closeSync(reader)
    const client = await SpopClient.open(endpoint)
    for (let asked = 0; asked < 2; asked++) assert.equal((await client.notify(check())).length, 1)
    client.close()
    await cli.waitFor(/--pcap \S+: the capture ends here: EPIPE/)
    cli.signal('SIGTERM')
    assert.equal((await cli.ended).code, 0)
  })

  it('what is no SPOP passes, and is told', async (t) => {
    const { cli, endpoint } = await startTap(t, await startAgent(t))
    assert.ok(endpoint.type === 'tcp')
    const socket = connect(endpoint.port, endpoint.host)
    socket.on('error', () => {})
    socket.end('GET / HTTP/1.1\r\n\r\n')
    socket.resume()
    await new Promise((resolve) => socket.once('close', resolve))
    await cli.waitFor(/these bytes are no SPOP frame: they begin as HTTP does/)
  })

  it('an agent that is not there is told, and the client is not kept waiting', async (t) => {
    const { cli, endpoint } = await startTap(t, { type: 'unix', path: '/nowhere/agent.sock' })
    assert.ok(endpoint.type === 'tcp')
    const socket = connect(endpoint.port, endpoint.host)
    socket.on('error', () => {})
    await new Promise((resolve) => socket.once('close', resolve))
    await cli.waitFor(/#1: cannot connect to unix@\/nowhere\/agent\.sock: .*ENOENT/)
  })

  it('wrong options are told in one line', async () => {
    for (const [args, why] of [
      [['--listen', '127.0.0.1:0'], /--forward is missing/],
      [['read'], /missing required argument 'file'/],
      [['--colour'], /unknown option '--colour'/],
      [['--listen', ':4', '--forward', 'localhost:4'], /--forward localhost:4 is the address of --listen/],
      [['--listen', '/a.sock', '--forward', 'unix@/a.sock'], /it would forward to itself/],
      [['--listen', 'x', '--forward', 'y:1'], /'y:1'|'x' is not an address/],
      [['--listen', '127.0.0.1:0', '--forward', '/x', '--delay', 'a'], /--delay a: wanted NAME=TIME/],
      [
        ['--listen', '127.0.0.1:0', '--forward', '/x', '--delay', 'a=soon'],
        /--delay a= soon: wanted a duration/,
      ],
      [['--listen', '127.0.0.1:0', '--forward', '/x', '--var-prefix', 'a-b'], /--var-prefix a-b/],
    ] as const) {
      const { code, stderr } = await runCli(['inspect', ...args])
      assert.equal(code, 2, stderr)
      assert.match(stderr, why)
    }
  })
})
