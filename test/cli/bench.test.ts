/** `sluice bench` as a process, against agents that are processes: every command of docs/bench-command.md, and what is refused. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createFcgiResponder, type FcgiContext, type FcgiReply } from 'sluice/fcgi'
import { benchCommand } from '#src/cli/bench.js'
import type { BenchOptions } from '#src/cli/bench-options.js'
import type { LoadResult } from '#src/load/result.js'
import { certificates, skipWithoutOpenssl } from '../support/certificates.ts'
import { Cli, makeFolder, runCli } from '../support/sluice.ts'

const folder = makeFolder({
  'spoe.conf': readFileSync('examples/ip-reputation/spoe-ip-reputation.conf', 'utf8'),
})
const socket = join(folder.dir, 'agent.sock')
let agent: Cli
let address = ''
/** A FastCGI application of this process. */
const responders = [createFcgiResponder({ onRequest: answer }), createFcgiResponder({ onRequest: answer })]
let application = ''

function answer({ params }: FcgiContext): FcgiReply {
  return { status: 200, body: `${params.get('REQUEST_METHOD')} ${params.get('REQUEST_URI')}` }
}

before(async () => {
  agent = new Cli(['agent', 'ip-reputation', '--listen', '127.0.0.1:0', '--listen', socket])
  address = `127.0.0.1:${(await agent.waitFor(/listens on 127\.0\.0\.1:(\d+)/))[1]}`
  const where = await responders[0]?.listen('127.0.0.1:0')
  application = `127.0.0.1:${where?.type === 'tcp' ? where.port : 0}`
  await responders[1]?.listen(`${socket}.app`)
})
after(async () => {
  await agent.stop()
  for (const responder of responders) await responder.close()
  folder.remove()
})

/** The commands of the page, one for each line. */
const documented = [...readFileSync('docs/bench-command.md', 'utf8').matchAll(/```sh\n([\s\S]*?)```/g)]
  .flatMap((match) => (match[1] ?? '').split('\n'))
  .filter((line) => line.startsWith('sluice '))

/** The words of a shell's line; only single quotes are known. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|([^\s']+)/g)].map((match) => match[1] ?? match[2] ?? '')
}

/** Where the agent of the tests is, and within a moment. */
function hurried(words: readonly string[]): string[] {
  const placed = words
    .map((word) => word.replace('127.0.0.1:12345', address).replace('127.0.0.1:9000', application))
    .map((word) => word.replace('/run/agent.sock', socket).replace('/run/app.sock', `${socket}.app`))
    .map((word, at, all) => (all[at - 1] === '--stages' ? word.replaceAll(/\d+s:/g, '100ms:') : word))
    .map((word, at, all) => (all[at - 1] === '--duration' ? '150ms' : word))
  if (placed[1] === 'compare') return placed
  const isTimed = placed.includes('--duration') || placed.includes('--stages')
  const duration = placed.includes('--saturate') ? '100ms' : '150ms'
  return [...placed, '--warmup', '20ms', ...(isTimed ? [] : ['--duration', duration])]
}

/** Reports say what was found: nothing went wrong but what the command does itself. */
function looksRight(words: readonly string[], stdout: string): void {
  if (words.includes('compare')) return assert.match(stdout, /^answers a second +[\d,]+ +[\d,]+ /m)
  if (words.includes('--saturate')) return assert.match(stdout, /holds p99<50ms and errors<0\.1% up to about/)
  if (words.includes('--json')) return assert.ok((JSON.parse(stdout) as LoadResult).counts.answers > 0)
  assert.match(
    stdout,
    /^(?:spop|fcgi)\S+: [\d,]+ answers? in \d+\.\d s, [\d,]+ a second, (open|closed) loop\n/,
  )
  assert.match(stdout, /^no errors$/m)
}

/** A threshold that a busy machine may not keep. */
const mayFail = (words: readonly string[]) =>
  words.some((word) => word.startsWith('p99>')) || words.includes('--saturate')

test('the page has commands', () => assert.ok(documented.length >= 12))

function testLine(line: string): void {
  test(`documented: ${line}`, async () => {
    const [command = '', file] = line.split(' > ')
    const words = wordsOf(command).slice(1)
    let { code, stdout, stderr } = await runCli(hurried(words), { cwd: folder.dir })
    // A busy machine may have nothing to tell of so short a time.
    if (stdout.includes(': 0 answers')) {
      const longer = hurried(words).map((word) => (word === '150ms' ? '3s' : word))
      ;({ code, stdout, stderr } = await runCli(longer, { cwd: folder.dir }))
    }
    if (file !== undefined) writeFileSync(join(folder.dir, file), stdout)
    if (mayFail(words) && code === 1) return
    assert.equal(code, 0, stdout + stderr)
    looksRight(words, stdout)
    assert.doesNotMatch(stderr, /sluice:/)
  })
}

const isComparison = (line: string) => line.startsWith('sluice bench compare')

describe('commands that load', { concurrency: 4 }, () => {
  for (const line of documented) if (!isComparison(line)) testLine(line)
})

describe('commands that compare what those have written', () => {
  for (const line of documented) if (isComparison(line)) testLine(line)
})

test('percentiles are in the file that was named', () => {
  const text = readFileSync(join(folder.dir, 'percentiles.hgrm'), 'utf8')
  assert.match(text, /^ {7}Value {5}Percentile TotalCount 1\/\(1-Percentile\)\n\n/)
  assert.match(text, /\n#\[Mean/)
})

test('the result for programs says what was asked and found', async () => {
  const { code, stdout } = await runCli([
    'bench',
    `spop://${address}`,
    ...'--message get-ip-reputation --arg ip=ip:192.0.2.1 --connections 2 --inflight 3 --as 2.6'.split(' '),
    ...'--rate 200 --warmup 100ms --duration 400ms --expect sess.ip_score=int:100 --json --quiet'.split(' '),
  ])
  assert.equal(code, 0)
  const result = JSON.parse(stdout) as LoadResult
  assert.equal(result.version, 1)
  assert.equal(result.loop, 'open')
  assert.deepEqual(result.plan, {
    as: '2.6',
    notifies: 'get-ip-reputation',
    connections: '2',
    inflight: '3',
    rate: '200',
  })
  assert.deepEqual([result.errors, result.counts.wrong, result.counts.connections], [0, 0, 2])
  // 400 ms of 200 a second.
  assert.equal(result.counts.answers, 80)
  const { response } = result
  assert.equal(
    response.buckets.reduce((sum, { count }) => sum + count, 0),
    response.count,
  )
  assert.ok(response.min > 0 && response.p50 >= response.min && response.max >= response['p99.9'])
})

test('thresholds and what is expected decide how it ends', async () => {
  const args =
    '--message get-ip-reputation --arg ip=ip:192.0.2.1 --warmup 0ms --duration 300ms --quiet'.split(' ')
  const run = (...more: string[]) => runCli(['bench', `spop://${address}`, ...args, ...more])
  const held = await run('--fail-if', 'errors>0', 'answers<1', '--expect', 'sess.ip_score=int:100')
  assert.equal(held.code, 0, held.stdout)
  const broken = await run('--fail-if', 'p50>0.1us', 'errors>0')
  assert.equal(broken.code, 1)
  assert.match(broken.stdout, /\nfailed: p50>0\.1us: p50 is [\d.]+ ms\n$/)
  const wrong = await run('--expect', 'sess.ip_score=int:5')
  assert.equal(wrong.code, 1)
  assert.match(wrong.stdout, /^ +[\d,]+ {2}wrong {2}sess\.ip_score=int:5: it is int:100$/m)
})

test('an agent of ours ends connections that bring garbage, and serves the others', async () => {
  const { code, stdout } = await runCli([
    'bench',
    `spop://${address}`,
    ...'--message get-ip-reputation --arg ip=ip:192.0.2.1 --warmup 0ms --duration 1s --quiet'.split(' '),
    ...'--garbage 40 --json'.split(' '),
  ])
  assert.equal(code, 0)
  const { counts, errors } = JSON.parse(stdout) as LoadResult
  assert.ok(counts.garbage > 4, String(counts.garbage))
  assert.ok(counts.garbageNoticed >= counts.garbage - 4, `${counts.garbageNoticed} of ${counts.garbage}`)
  assert.equal(errors, 0)
})

test('a SPOE file is sent as HAProxy would send it, and said so', async () => {
  const { stderr } = await runCli(
    ['bench', `spop://${address}`, '--spoe', 'spoe.conf', '--warmup', '0ms', '--duration', '50ms'],
    { cwd: folder.dir },
  )
  assert.match(stderr, /^spoe\.conf: on-client-session sends get-ip-reputation\(ip=ip:\{ip\}\)$/m)
})

test(
  'an agent behind TLS is loaded as well, on both sides of a certificate',
  { skip: skipWithoutOpenssl },
  async () => {
    certificates(folder.dir)
    const file = (name: string) => join(folder.dir, name)
    const flags = `--cert ${file('server.pem')} --key ${file('server.key')} --client-ca ${file('ca.pem')}`
    const secure = new Cli(['agent', 'ip-reputation', '--listen', '127.0.0.1:0', ...flags.split(' ')])
    const [, port] = await secure.waitFor(/listens on 127\.0\.0\.1:(\d+)/)
    const args =
      '--message get-ip-reputation --arg ip=ip:192.0.2.1 --warmup 0ms --duration 300ms --quiet'.split(' ')
    const run = (...more: string[]) => runCli(['bench', `spops://127.0.0.1:${port}`, ...args, ...more])
    const shown = ['--cert', file('client.pem'), '--key', file('client.key')]
    const good = await run('--ca', file('ca.pem'), ...shown)
    assert.equal(good.code, 0, good.stderr)
    assert.match(good.stdout, /^no errors$/m)
    const untrusted = await run(...shown)
    assert.equal(untrusted.code, 2)
    assert.match(untrusted.stderr, /^spops:\S+: .*certificate/m)
    assert.equal((await run('--insecure')).code, 2)
    await secure.stop()
  },
)

test('Ctrl-C ends with the report', async () => {
  const cli = new Cli([
    'bench',
    `spop://${address}`,
    ...'--message get-ip-reputation --arg ip=ip:192.0.2.1 --warmup 0ms --duration 60s'.split(' '),
  ])
  await cli.waitFor(/\d+\/s {2}p50/)
  cli.signal('SIGINT')
  const { code, stdout } = await cli.ended
  assert.equal(code, 0)
  assert.match(stdout, /closed loop, stopped early\n/)
})

const wrong: readonly (readonly [what: string, args: string, message: RegExp])[] = [
  ['no message', '', /say what to ask: --message NAME/],
  [
    'a duration without its unit',
    '--message m --duration 10',
    /--duration 10: wanted a duration with its unit.*10ms to 24h/,
  ],
  [
    'a duration that is too short',
    '--message m --duration 1ms',
    /--duration 1ms: wanted .* from 10ms to 24h/,
  ],
  ['no connection', '--message m --connections 0', /--connections 0: wanted a whole number from 1 to 20000/],
  [
    'too much in flight',
    '--message m --inflight 5000',
    /--inflight 5000: wanted a whole number from 1 to 4096/,
  ],
  ['a rate of nothing', '--message m --rate 0', /--rate 0: wanted exchanges a second.*up to 5000000/],
  ['a stage without a rate', '--message m --stages 10s', /--stages 10s: wanted DURATION:RATE/],
  ['two ways to say it', '--message m --rate 1 --stages 10s:1', /--rate and --stages exclude each other/],
  ['another version', '--message m --as 1.7', /--as 1\.7: wanted 2\.6 or 3\.x/],
  [
    'an argument of no type',
    '--message m --arg a=text:b',
    /--arg a=text:b: wanted name=type:value with a type of/,
  ],
  ['a value of another type', '--message m --arg a=int:b', /--arg a=int:b: 'b' is not a whole number/],
  ['a template that there is not', '--message m --arg a=str:{sq}', /\{sq\} is no template; use \{seq\}/],
  ['a scope that there is not', '--message m --expect x.y', /--expect x\.y: wanted scope\.name/],
  [
    'a condition without its unit',
    '--message m --fail-if p99>5',
    /--fail-if 'p99>5': wanted a duration with its unit/,
  ],
  ['a search without a figure', '--message m --saturate fast', /--saturate 'fast': wanted METRIC>VALUE/],
  ['pieces of nothing', '--message m --slice 0', /--slice 0: wanted a whole number from 1 to/],
  [
    'a delay that goes backwards',
    '--message m --latency 5ms-1ms',
    /--latency 5ms-1ms: wanted DELAY or LEAST-MOST/,
  ],
  ['a file that is not there', '--spoe nothing.conf', /--spoe nothing\.conf: ENOENT/],
  ['certificates without TLS', '--message m --insecure', /--insecure is for TLS/],
]

for (const [what, args, message] of wrong) {
  test(`refused: ${what}`, async () => {
    await assert.rejects(() => benchCommand('spop://127.0.0.1:1', optionsOf(args)), {
      code: 'ERR_SLUICE_OPTION',
      message,
    })
  })
}

/** As commander would hand them over. */
function optionsOf(args: string): BenchOptions {
  const options: Record<string, unknown> = {}
  const words = args.split(' ').filter(Boolean)
  for (const [at, word] of words.entries()) {
    if (!word.startsWith('--')) continue
    const value = words[at + 1]?.startsWith('--') === false ? words[at + 1] : true
    const name = word.slice(2).replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
    options[name] = ['message', 'arg', 'expect', 'failIf', 'saturate'].includes(name) ? [value] : value
  }
  return options
}

test('what is refused ends the process with 2', async () => {
  for (const [args, message] of [
    ['--message m --duration 10', /^sluice: --duration 10: wanted a duration with its unit/],
    ['--message m --sped 1', /unknown option '--sped'/],
  ] as const) {
    const { code, stderr } = await runCli(['bench', `spop://${address}`, ...args.split(' ')])
    assert.equal(code, 2)
    assert.match(stderr, message)
  }
})

test('an agent that is not there is told at once', async () => {
  const { code, stderr } = await runCli(['bench', 'spop://127.0.0.1:1', '--message', 'm'])
  assert.equal(code, 2)
  assert.match(stderr, /^spop:\/\/127\.0\.0\.1:1: connect ECONNREFUSED/m)
})
