/**
 * A new version of an agent is tried on yesterday's traffic: `sluice run --record` while requests go by and one version answers,
 * `sluice replay` against this version and the next. Everything is a process of its own.
 */
import assert from 'node:assert/strict'
import { get as httpGet } from 'node:http'
import { readFileSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { formatEndpoint } from 'sluice'
import { createAgent } from 'sluice/agent'
import { certificates, skipWithoutOpenssl } from '../support/certificates.ts'
import { freePorts } from '../support/ports.ts'
import { Cli, makeFolder, runCli, startSluice } from '../support/sluice.ts'
import { until } from '../support/until.ts'

interface Cleanup {
  after(hook: () => void | Promise<void>): void
}

const oldList = '192.0.2.0/24 10\n198.51.100.0/24 50\n'
const newList = '192.0.2.0/24 90\n198.51.100.0/24 50\n'

/** A version of the agent; answers where it is. */
async function startAgent(t: Cleanup, list: string, ...more: readonly string[]): Promise<string> {
  const folder = makeFolder({ 'a.lst': list })
  const agent = new Cli([
    'agent',
    'ip-reputation',
    '--listen',
    '127.0.0.1:0',
    '--list',
    join(folder.dir, 'a.lst'),
    ...more,
  ])
  t.after(async () => {
    await agent.stop()
    folder.remove()
  })
  return `127.0.0.1:${(await agent.waitFor(/listens on 127\.0\.0\.1:(\d+)/))[1]}`
}

const spoe = `spoe-agent iprep
  messages get-ip-reputation
  option var-prefix iprep
  timeout processing 1s
  use-backend agents
spoe-message get-ip-reputation
  args ip=req.hdr_ip(x-ip) cookie=req.hdr(cookie)
  event on-frontend-http-request
`

async function startProxy(t: Cleanup, agent: string, ...args: string[]) {
  const proxy = await startSluice({
    ports: ['fe'],
    config: ({ fe }) => `defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend fe
  bind 127.0.0.1:${fe}
  filter spoe config spoe.conf
  http-request return status 200 hdr X-Score "%[var(sess.iprep.ip_score)]"
backend agents
  mode tcp
  server a ${agent}`,
    files: { 'spoe.conf': spoe },
    args: ['--record', 'traffic.rec', ...args],
  })
  t.after(() => proxy.stop())
  const ask = (ip: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const headers = { 'x-ip': ip, cookie: 'secret=1' }
      httpGet({ port: proxy.ports.fe, host: '127.0.0.1', headers, agent: false }, (response) => {
        response.resume()
        resolve(String(response.headers['x-score']))
      }).on('error', reject)
    })
  return { ...proxy, ask, file: join(proxy.dir, 'traffic.rec') }
}

const replay = (...args: string[]) => runCli(['replay', ...args])

test("a new version of an agent is tried on yesterday's traffic", async (t) => {
  const [old, next] = [await startAgent(t, oldList), await startAgent(t, newList)]
  const proxy = await startProxy(t, old)
  for (let count = 0; count < 30; count++) {
    assert.equal(await proxy.ask(`192.0.2.${count}`), '10')
    assert.equal(await proxy.ask(`198.51.100.${count}`), '50')
  }
  assert.equal(await proxy.ask('203.0.113.1'), '100')
  proxy.cli.signal('SIGTERM')
  assert.equal((await proxy.cli.ended).code, 0)

  const same = await replay(proxy.file, `spop://${old}`, '--rate', 'max')
  assert.equal(same.code, 0, same.stderr)
  assert.match(same.stdout, /^get-ip-reputation +61 +61 +0 +0 +0$/m)
  assert.match(same.stdout, /\n61 same, 0 different, 0 failed\n$/)
  assert.equal(same.stderr, '')

  const other = await replay(proxy.file, `spop://${next}`, '--rate', 'max')
  assert.equal(other.code, 1, other.stderr)
  assert.match(other.stdout, /^get-ip-reputation +61 +31 +30 +0 +0$/m)
  assert.match(other.stdout, /^ {2}sess\.ip_score +int64 10 -> int64 90 +30$/m)
  assert.match(other.stdout, /^answer after, ms +recorded +now\np50 +\d+\.\d{3} +\d+\.\d{3}$/m)
  assert.match(other.stdout, /\n31 same, 30 different, 0 failed\n$/)

  const json = await replay(proxy.file, `spop://${next}`, '--rate', '200', '--json')
  assert.equal(json.code, 1)
  const report = JSON.parse(json.stdout) as Record<string, unknown> & { messages: { changes: unknown }[] }
  assert.deepEqual([report['sent'], report['same'], report['different'], report['failed']], [61, 31, 30, 0])
  assert.deepEqual(report.messages[0]?.changes, [
    { variable: 'sess.ip_score', before: 'int64 10', after: 'int64 90', count: 30 },
  ])
  // The last of 61 is due after 300 ms; a timer may be early by one.
  assert.ok(Number(report['duration']) >= 295, String(report['duration']))

  const lenient = await replay(proxy.file, `spop://${next}`, '--rate', 'max', '--ignore', 'ip_score')
  assert.equal(lenient.code, 0)
  const few = await replay(proxy.file, `spop://${next}`, '--rate', '10x', '--limit', '5', '--source', 'iprep')
  assert.match(few.stdout, /^get-ip-reputation +5 /m)
  const none = await replay(proxy.file, `spop://${next}`, '--message', 'another')
  assert.deepEqual([none.code, none.stderr], [2, 'there was nothing to send\n'])
})

test('a signal ends a replay with the report of what was sent', async (t) => {
  const proxy = await startProxy(t, await startAgent(t, oldList))
  for (const ip of ['192.0.2.1', '192.0.2.2']) assert.equal(await proxy.ask(ip), '10')
  proxy.cli.signal('SIGTERM')
  await proxy.cli.ended
  let asked = 0
  const agent = createAgent({ closeTimeout: 100 })
  t.after(() => agent.close())
  agent.message('get-ip-reputation', (_, actions) => {
    asked++
    actions.setVar('sess', 'ip_score', 10)
  })
  const address = formatEndpoint(await agent.listen('127.0.0.1:0'))
  const cli = new Cli(['replay', proxy.file, `spop://${address}`, '--rate', '0.001'])
  t.after(() => cli.stop())
  await until(() => asked === 1)
  cli.signal('SIGINT')
  const { code, stdout } = await cli.ended
  assert.match(stdout, /\n1 same, 0 different, 0 failed\n$/)
  assert.equal(code, 0)
})

test('an agent behind TLS is asked, when it is who it should be', { skip: skipWithoutOpenssl }, async (t) => {
  const folder = makeFolder({})
  t.after(() => folder.remove())
  certificates(folder.dir)
  const file = (name: string) => join(folder.dir, name)
  const shown = ['--cert', file('server.pem'), '--key', file('server.key'), '--client-ca', file('ca.pem')]
  const proxy = await startProxy(t, await startAgent(t, oldList))
  await proxy.ask('192.0.2.1')
  proxy.cli.signal('SIGTERM')
  await proxy.cli.ended
  const target = `spops://${await startAgent(t, newList, ...shown)}`
  const client = ['--cert', file('client.pem'), '--key', file('client.key')]
  const known = await replay(proxy.file, target, '--rate', 'max', '--ca', file('ca.pem'), ...client)
  assert.equal(known.code, 1, known.stderr)
  assert.match(known.stdout, /\n0 same, 1 different, 0 failed\n$/)
  const unknown = await replay(proxy.file, target, '--ca', file('stranger.pem'), ...client)
  assert.deepEqual([unknown.code, unknown.stdout], [2, ''])
  assert.match(unknown.stderr, /certificate/)
})

test('a proxy that was killed leaves what it had, and the replay says that the end is missing', async (t) => {
  const agent = await startAgent(t, oldList)
  const proxy = await startProxy(t, agent)
  for (let count = 0; count < 10; count++) await proxy.ask(`192.0.2.${count}`)
  await sleep(300)
  proxy.cli.signal('SIGKILL')
  await proxy.cli.ended
  const open = await replay(proxy.file, `spop://${agent}`, '--rate', 'max')
  assert.equal(open.code, 0)
  assert.match(open.stderr, /traffic\.rec: at byte \d+: the recording was not closed: its process was killed/)
  assert.match(open.stdout, /\n10 same, /)
  truncateSync(proxy.file, statSync(proxy.file).size - 3)
  const cut = await replay(proxy.file, `spop://${agent}`, '--rate', 'max')
  assert.equal(cut.code, 0)
  assert.match(cut.stderr, /the last record is cut off, as after a crash; the 9 exchanges before it are good/)
  assert.match(cut.stdout, /\n9 same, /)
})

test('values can be left out, and files be bounded', async (t) => {
  const agent = await startAgent(t, oldList)
  const flags = ['--record-omit', 'cookie,nothing', '--record-size', '4k', '--record-files', '2']
  const proxy = await startProxy(t, agent, ...flags)
  for (let count = 0; count < 120; count++) await proxy.ask(`192.0.2.${count}`)
  proxy.cli.signal('SIGTERM')
  await proxy.cli.ended
  for (const file of [proxy.file, `${proxy.file}.1`]) {
    assert.ok(statSync(file).size < 4300)
    assert.ok(!readFileSync(file, 'latin1').includes('secret'))
  }
  const both = await replay(`${proxy.file}.1`, proxy.file, `spop://${agent}`, '--rate', 'max')
  assert.equal(both.code, 0)
  assert.match(both.stderr, /recorded without the values of cookie, nothing/)
})

const wrong: readonly (readonly [what: string, args: readonly string[], message: RegExp])[] = [
  ['no agent', ['a.rec'], /give a recording and an agent/],
  [
    'a file that is no recording',
    ['package.json', 'AGENT'],
    /does not begin with 'SLUICE-RECORDING '.*ERR_RECORDING_FORMAT/,
  ],
  ['a file that is not there', ['nothing.rec', 'AGENT'], /ENOENT.*ERR_RECORDING_FILE/],
  ['a folder', ['test', 'AGENT'], /test: EISDIR.*ERR_RECORDING_FILE/],
  ['nobody there', ['package.json', 'spop://127.0.0.1:1'], /^spop:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/],
  ['another scheme', ['package.json', 'http://127.0.0.1:1'], /use spop:\/\/host:port.*ERR_SLUICE_ADDRESS/],
  ['TLS to nobody', ['package.json', 'spops://127.0.0.1:1'], /^spops:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/],
  ['a plain agent', ['package.json', 'spops://TLS', '--insecure'], /^spops:\/\/\S+: .+/],
  ['no TLS', ['package.json', 'AGENT', '--insecure'], /--insecure is for TLS, and 'spop:.* without it/],
  ['a rate', ['package.json', 'AGENT', '--rate', 'fast'], /--rate fast: use recorded, max, 2x or a number/],
  ['a limit', ['package.json', 'AGENT', '--limit', '0'], /--limit wants a whole number above 0/],
  ['an option', ['package.json', 'AGENT', '--sped', '1'], /unknown option '--sped'/],
]

test('what cannot be replayed ends with 2, and says why', async (t) => {
  const agent = await startAgent(t, oldList)
  for (const [what, args, message] of wrong) {
    const { code, stderr } = await replay(
      ...args.map((each) => (each === 'AGENT' ? `spop://${agent}` : each.replace('TLS', agent))),
    )
    assert.equal(code, 2, what)
    assert.match(stderr, message, what)
  }
})

test('a recording that cannot be begun is no proxy, and flags that need one are told so', async (t) => {
  const [port] = await freePorts(1)
  const folder = makeFolder({
    'haproxy.cfg': `listen a\n  mode http\n  timeout client 1s\n  bind 127.0.0.1:${port}\n  http-request return status 200\n`,
    'old.rec': 'precious',
  })
  t.after(() => folder.remove())
  const cases: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [['--record', 'old.rec'], /old\.rec is there already, and is kept \(ERR_RECORDING_FILE\)/],
    [['--record', 'no/folder.rec'], /ENOENT.*\(ERR_RECORDING_FILE\)/],
    [['-D', '--record', 'old.rec'], /old\.rec is there already/],
    [['--record-size', '1m'], /want --record <file>/],
    [['--record', 'a', '--record-size', 'big'], /--record-size wants a number of bytes/],
    [['--record', 'a', '--record-files', '0'], /--record-files wants a number from 1 to 1000, not '0'/],
  ]
  for (const [args, message] of cases) {
    const { code, stderr } = await runCli(['run', '-f', 'haproxy.cfg', ...args], { cwd: folder.dir })
    assert.equal(code, 1)
    assert.match(stderr, message)
  }
  assert.equal(readFileSync(join(folder.dir, 'old.rec'), 'utf8'), 'precious')
})
