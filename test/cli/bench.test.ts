/** `sluice bench` as a process, against agents that are processes: every command of docs/bench-command.md, and what is refused. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { benchCommand } from '#src/cli/bench.js'
import type { BenchOptions } from '#src/cli/bench-options.js'
import type { LoadResult } from '#src/load/result.js'
import { Cli, makeFolder, runCli } from '../support/sluice.ts'

const folder = makeFolder({})
const socket = join(folder.dir, 'agent.sock')
let agent: Cli
let address = ''

before(async () => {
  agent = new Cli(['agent', 'ip-reputation', '--listen', '127.0.0.1:0', '--listen', socket])
  address = `127.0.0.1:${(await agent.waitFor(/listens on 127\.0\.0\.1:(\d+)/))[1]}`
})
after(async () => {
  await agent.stop()
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
function hurried(line: string): string[] {
  const words = wordsOf(line)
    .slice(1)
    .map((word) => word.replace('127.0.0.1:12345', address).replace('/run/agent.sock', socket))
    .map((word, at, all) => (all[at - 1] === '--stages' ? word.replaceAll(/\d+s:/g, '200ms:') : word))
    .map((word, at, all) => (all[at - 1] === '--duration' ? '300ms' : word))
  const timed = words.includes('--duration') || words.includes('--stages') ? [] : ['--duration', '300ms']
  return [...words, '--warmup', '50ms', ...timed]
}

test('the page has commands', () => assert.ok(documented.length >= 5))

for (const line of documented) {
  test(`documented: ${line}`, async () => {
    const { code, stdout, stderr } = await runCli(hurried(line))
    assert.equal(code, 0, stderr)
    if (line.includes('--json')) assert.ok((JSON.parse(stdout) as LoadResult).counts.answers > 0)
    else assert.match(stdout, /^spop\S+: [\d,]+ answers? in \d+\.\d s, [\d,]+ a second, (open|closed) loop\n/)
    if (!line.includes('--json')) assert.match(stdout, /^no errors$/m)
    assert.doesNotMatch(stderr, /sluice:/)
  })
}

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

test('what is expected and not there is an error of its own', async () => {
  const { code, stdout } = await runCli([
    'bench',
    `spop://${address}`,
    ...'--message get-ip-reputation --arg ip=ip:192.0.2.1 --warmup 0ms --duration 100ms'.split(' '),
    ...'--expect sess.ip_score=int:5 --quiet'.split(' '),
  ])
  assert.equal(code, 0)
  assert.match(stdout, /^ +[\d,]+ {2}wrong {2}sess\.ip_score=int:5: it is int:100$/m)
})

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
    options[name] = ['message', 'arg', 'expect'].includes(name) ? [value] : value
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
