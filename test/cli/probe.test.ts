/** `sluice probe` as a command: what it takes, prints and answers. */
import assert from 'node:assert/strict'
import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, test, type TestContext } from 'node:test'
import { createAgent, type AgentOptions } from 'sluice/agent'
import { IpAddress, UsageError } from 'sluice'
import { certificates, skipWithoutOpenssl } from '../support/certificates.ts'
import { MemoryLogger } from '../agent/support.ts'
import { parseArgument } from '#src/cli/probe-argument.js'
import { parseAgentTarget } from '#src/cli/agent-target.js'

interface Finished {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function probe(...args: string[]): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['dist/cli/main.js', 'probe', ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

async function listen(t: TestContext, where: string, options: AgentOptions = {}): Promise<number> {
  const agent = createAgent(options)
  agent.message('m', { ip: 'ip', n: 'integer?' }, ({ ip }, actions) => {
    actions.setVar('sess', 'ip', ip.toString())
  })
  t.after(() => agent.destroy())
  const address = await agent.listen(where)
  return address.type === 'tcp' ? address.port : 0
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'sluice-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

test('a good agent: a line for each check, a summary, and 0', async (t) => {
  const port = await listen(t, '127.0.0.1:0')
  const { code, stdout, stderr } = await probe(
    `spop://127.0.0.1:${port}`,
    '--message',
    'm',
    '--arg',
    'ip=ip:192.0.2.1',
  )
  assert.equal(stderr, '')
  assert.equal(code, 0, stdout)
  assert.match(stdout, /^pass {2}hello\.answer /m)
  assert.match(stdout, /^skip {2}policy\.drain .*\n {6}needs --pid/m)
  assert.match(stdout, /conforms: 8\d passed, 0 failed, 0 warnings, 3 skipped\n$/)
})

test('an agent that only warns answers 0 too, and says what it was', async (t) => {
  const port = await listen(t, '127.0.0.1:0', { async: true })
  const { code, stdout } = await probe(`127.0.0.1:${port}`, '--only', 'hello.no-async')
  assert.equal(code, 0)
  assert.match(stdout, /^warn {2}hello\.no-async /m)
  assert.match(
    stdout,
    /^ {6}wanted no async\n {6}got {4}"pipelining,fragmentation,async"\n {6}source HAProxy 1\.8 to 3\.0; A2\n {6}> 0000/m,
  )
  assert.match(stdout, /conforms: 0 passed, 0 failed, 1 warning, 0 skipped/)
})

test('an agent that fails a MUST answers 1', async (t) => {
  const port = await listen(t, '127.0.0.1:0', { maxFrameSize: 300, fragmentation: false, ready: () => false })
  const { code, stdout } = await probe(`spop://127.0.0.1:${port}`, '--only', 'health', '--timeout', '300')
  assert.equal(code, 1)
  assert.match(stdout, /^FAIL {2}health\.answer /m)
  assert.match(stdout, /does not conform: 1 passed, 2 failed/)
})

test('--json is one object', async (t) => {
  const path = join(folder(t), 'agent.sock')
  await listen(t, path)
  const { code, stdout } = await probe('--unix', path, '--json', '--only', 'hello.', '--only', 'health.')
  assert.equal(code, 0)
  const report = JSON.parse(stdout) as {
    target: string
    failed: number
    results: { id: string; status: string }[]
  }
  assert.equal(report.target, `spop+unix://${path}`)
  assert.equal(report.failed, 0)
  assert.ok(report.results.length > 20)
  assert.deepEqual(report.results[0]?.id, 'hello.answer')
})

test('--pid stops the agent in the last check', async (t) => {
  const path = join(folder(t), 'agent.sock')
  const script = `
    const { createAgent } = await import('sluice/agent')
    const agent = createAgent()
    await agent.listen(${JSON.stringify(path)})
    process.on('SIGTERM', () => agent.close())
    console.log('ready')`
  const child = execFile(process.execPath, ['--input-type=module', '-e', script])
  t.after(() => child.kill('SIGKILL'))
  await new Promise((resolve) => child.stdout?.once('data', resolve))
  const ended = new Promise((resolve) => child.once('exit', (code) => resolve(code)))
  const { code, stdout } = await probe(
    '--unix',
    path,
    '--pid',
    String(child.pid),
    '--only',
    'policy.drain',
    '--verbose',
  )
  assert.equal(code, 0, stdout)
  assert.match(
    stdout,
    /^pass {2}policy\.drain.*\n {6}HAProxy 1\.8 to 3\.5; A9, W22\n {6}> 000000[0-9a-f]+\n {6}< 000000/m,
  )
  assert.equal(await ended, 0)
})

test('nobody there is 2, with one line that says why', async () => {
  const { code, stdout, stderr } = await probe('--unix', '/nowhere/agent.sock')
  assert.deepEqual([code, stdout], [2, ''])
  assert.match(stderr, /cannot connect to unix@\/nowhere\/agent\.sock: .*ENOENT/)
  const json = await probe('--unix', '/nowhere/agent.sock', '--json')
  assert.equal(json.code, 2)
  assert.match((JSON.parse(json.stdout) as { error: string }).error, /cannot connect/)
})

test('wrong options are told in one line', async () => {
  for (const [args, why] of [
    [[], /give spop:\/\/host:port, or --unix PATH/],
    [['http://localhost'], /use spop:\/\/host:port/],
    [
      ['127.0.0.1:1', '--timeout', 'soon'],
      /--timeout wants a whole number above 0, not 'soon' \(ERR_SLUICE_OPTION\)/,
    ],
    [['127.0.0.1:1', '--timeout', '0'], /--timeout wants a whole number above 0, not '0'/],
    [
      ['127.0.0.1:1', '--timeout', '1e12'],
      /option 'timeout' must be a whole number from 1 to 2147483647, not 1000000000000/,
    ],
    [['127.0.0.1:1', '--pid', 'abc'], /--pid wants a whole number above 0, not 'abc' \(ERR_SLUICE_OPTION\)/],
    [
      ['127.0.0.1:1', '--only', 'hello', '--only', 'nosuch'],
      /'nosuch' is the beginning of no check's id; the groups are hello, health, .*--list shows all ids \(ERR_SLUICE_OPTION\)/,
    ],
    [['--list', '--only', 'nosuch'], /'nosuch' is the beginning of no check's id/],
    [
      ['spop://127.0.0.1:1', '--ca', '/nope'],
      /--ca is for TLS, and 'spop:\/\/127\.0\.0\.1:1' is reached without it: use spops:/,
    ],
    [['--unix', '/nope', '--insecure'], /--insecure is for TLS, and 'spop\+unix:\/\/\/nope' is reached/],
    [['spops://127.0.0.1:1', '--ca', '/nope'], /--ca \/nope: ENOENT.* \(ERR_SLUICE_OPTION\)/],
    [['127.0.0.1:1', '--arg', 'a=int:1'], /--arg belongs to a message/],
    [['127.0.0.1:1', '--message', 'm', '--arg', 'a'], /--arg a: wanted name=type:value/],
  ] as const) {
    const { code, stdout, stderr } = await probe(...args)
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, why)
    assert.equal(stderr.trim().split('\n').length, 1)
  }
})

test('--list shows what there is, without an agent', async () => {
  const all = await probe('--list')
  assert.deepEqual([all.code, all.stderr], [0, ''])
  assert.match(all.stdout, /^hello\.answer {14}[^\n]+\n/)
  assert.ok(all.stdout.trim().split('\n').length > 80)
  const some = await probe('--list', '--only', 'garbage.h', '--only', 'policy')
  assert.deepEqual(
    some.stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[0]),
    ['garbage.http', 'policy.deadline', 'policy.drain'],
  )
})

const openssl = spawnSync('openssl', ['version']).status === 0

test('spops:// speaks TLS', { skip: !openssl }, async (t) => {
  const dir = folder(t)
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  execFileSync(
    'openssl',
    ['req', '-x509', ...curve, '-days', '2', ...subject, '-keyout', key, '-out', cert],
    {
      stdio: 'ignore',
    },
  )
  const port = await listen(t, '127.0.0.1:0', { tls: { key: readFileSync(key), cert: readFileSync(cert) } })
  const target = `spops://127.0.0.1:${port}`
  const trusted = await probe(
    target,
    '--ca',
    cert,
    '--only',
    'hello',
    '--only',
    'end.reset',
    '--only',
    'notify',
  )
  assert.equal(trusted.code, 0, trusted.stdout)
  assert.equal((await probe(target, '--insecure', '--only', 'health')).code, 0)
  const stranger = await probe(target, '--only', 'health')
  assert.equal(stranger.code, 2)
  assert.match(stranger.stderr, /self-signed certificate/)
})

describe('targets', () => {
  for (const [text, endpoint, tls] of [
    ['spop://192.0.2.1:12345', { type: 'tcp', host: '192.0.2.1', port: 12_345 }, false],
    ['spop://[2001:db8::1]:1/', { type: 'tcp', host: '2001:db8::1', port: 1 }, false],
    ['spops://agent.example:443', { type: 'tcp', host: 'agent.example', port: 443 }, true],
    ['spop+unix:///run/a.sock', { type: 'unix', path: '/run/a.sock' }, false],
    ['unix@/run/a.sock', { type: 'unix', path: '/run/a.sock' }, false],
    ['localhost:1', { type: 'tcp', host: 'localhost', port: 1 }, false],
  ] as const) {
    it(text, () => {
      assert.deepEqual(parseAgentTarget(text), { endpoint, tls })
    })
  }
  it('nothing else', () => {
    for (const text of ['http://x:1', 'spop://x', 'spop+tcp://x:1']) {
      assert.throws(() => parseAgentTarget(text), UsageError)
    }
  })
})

describe('arguments', () => {
  for (const [text, name, value] of [
    ['path=str:/a=b:c', 'path', '/a=b:c'],
    ['=int:-5', '', { type: 'int64', value: -5n }],
    ['n=uint64:18446744073709551615', 'n', { type: 'uint64', value: 18_446_744_073_709_551_615n }],
    ['on=bool:true', 'on', true],
    ['off=boolean:false', 'off', false],
    ['nothing=null', 'nothing', null],
    ['empty=str:', 'empty', ''],
    ['raw=bin:00ff', 'raw', Buffer.of(0, 255)],
  ] as const) {
    it(text, () => {
      assert.deepEqual(parseArgument(text), [name, value])
    })
  }
  it('addresses', () => {
    const [, address] = parseArgument('ip=ip:2001:db8::1')
    assert.ok(address instanceof IpAddress)
    assert.equal(address.toString(), '2001:db8::1')
  })
  for (const text of ['a', 'a=1', 'a=int:x', 'a=bool:yes', 'a=ip:300.1.1.1', 'a=bin:0', 'a=constructor:1']) {
    it(`${text} is none`, () => {
      assert.throws(
        () => parseArgument(text),
        (error) => error instanceof UsageError && error.message.includes(`--arg ${text}`),
      )
    })
  }
})

describe('--health', () => {
  it('is 0 with one line for an agent that is healthy, and leaves no trace in its log', async (t) => {
    const logger = new MemoryLogger()
    const port = await listen(t, '127.0.0.1:0', { logger })
    const { code, stdout, stderr } = await probe(`spop://127.0.0.1:${port}`, '--health')
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(
      stdout,
      /^spop:\/\/127\.0\.0\.1:\d+ is healthy: AGENT-HELLO version="2\.0" max-frame-size=16380 capabilities="[a-z,]*", after \d+ ms\n$/,
    )
    assert.deepEqual(logger.troubles, [])
  })

  it('is 1 for one that is not ready, and for one that is silent or something else', async (t) => {
    const port = await listen(t, '127.0.0.1:0', { ready: () => false })
    const refused = await probe(`127.0.0.1:${port}`, '--health')
    assert.deepEqual([refused.code, refused.stdout], [1, ''])
    assert.match(refused.stderr, /^127\.0\.0\.1:\d+ is not healthy: .*AGENT-DISCONNECT \d+ "not ready"/)
    const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1')
    t.after(() => server.close())
    await once(server, 'listening')
    const { port: silent } = server.address() as AddressInfo
    const nothing = await probe(`127.0.0.1:${silent}`, '--health', '--timeout', '200')
    assert.equal(nothing.code, 1)
    assert.match(nothing.stderr, /is not healthy: no answer within 200 ms/)
    server.on('connection', (socket) => socket.end('HTTP/1.0 400 Bad Request\r\n\r\n'))
    const other = await probe(`127.0.0.1:${silent}`, '--health', '--json')
    assert.equal(other.code, 1)
    const { healthy, detail } = JSON.parse(other.stdout) as { healthy: boolean; detail: string }
    assert.equal(healthy, false)
    assert.match(detail, /no frame/)
  })

  it('is 2 when there is no connection', async () => {
    const { code, stdout, stderr } = await probe('--unix', '/nowhere/agent.sock', '--health')
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /is not healthy: .*cannot connect to unix@\/nowhere\/agent\.sock: .*ENOENT/)
  })

  it('asks for nothing else', async () => {
    for (const flags of [['--message', 'm'], ['--only', 'hello'], ['--pid', '1'], ['--verbose']]) {
      const { code, stderr } = await probe('127.0.0.1:1', '--health', ...flags)
      assert.equal(code, 1)
      assert.match(stderr, /--health asks for nothing else: leave out --/)
    }
  })
})

test('spops:// shows a certificate where the agent wants one', { skip: skipWithoutOpenssl }, async (t) => {
  const dir = folder(t)
  const { ca, server } = certificates(dir)
  const port = await listen(t, '127.0.0.1:0', { tls: { ...server, ca, requestCert: true }, logger: false })
  const target = [`spops://127.0.0.1:${port}`, '--ca', join(dir, 'ca.pem')]
  const pair = (name: string) => ['--cert', join(dir, `${name}.pem`), '--key', join(dir, `${name}.key`)]
  assert.equal((await probe(...target, ...pair('client'), '--health')).code, 0)
  const checked = await probe(...target, ...pair('client'), '--only', 'hello.answer')
  assert.match(checked.stdout, /conforms: 1 passed/)
  for (const flags of [[], pair('stranger')])
    assert.notEqual((await probe(...target, ...flags, '--health')).code, 0)
  const half = await probe(...target, '--cert', join(dir, 'client.pem'))
  assert.equal(half.code, 1)
  assert.match(half.stderr, /--cert FILE and --key FILE belong together/)
  const plain = await probe('spop://127.0.0.1:1', '--cert', 'x', '--key', 'y')
  assert.match(plain.stderr, /--cert is for TLS, and 'spop:\/\/127\.0\.0\.1:1' is reached without it/)
})
