/** `sluice demo`, as `npm start` runs it: every curl line that it prints is executed, and does what it says. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { connect } from 'node:net'
import { test } from 'node:test'
import { freePorts } from '../support/ports.ts'
import { askOnce } from '../support/raw-http.ts'
import { Cli } from '../support/sluice.ts'

const hasCurl = spawnSync('curl', ['--version'], { stdio: 'ignore' }).status === 0

interface CurlResult {
  readonly code: number | null
  readonly output: string
}

/** Runs a printed line; without curl its request is sent over a socket. */
function runLine(line: string): Promise<CurlResult> {
  return hasCurl ? runShell(line) : runSocket(line)
}

function runShell(line: string): Promise<CurlResult> {
  const child = spawn('sh', ['-c', line], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })))
}

async function runSocket(line: string): Promise<CurlResult> {
  const [, port = '', path = ''] = /http:\/\/127\.0\.0\.1:(\d+)(\/\S*)/.exec(line) ?? []
  const seconds = Number(/sleep (\d+)/.exec(line)?.[1] ?? 0)
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  const localAddress = /--interface (\S+)/.exec(line)?.[1]
  const request = `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
  const reply = await askOnce(Number(port), request, localAddress === undefined ? {} : { localAddress })
  // 52 is how curl ends when nothing came.
  if (typeof reply === 'string') return { code: 52, output: 'Empty reply from server' }
  return { code: 0, output: [reply.line, ...reply.headers, '', reply.body].join('\n') }
}

/** The commands of a page: the lines that are indented by four. */
function commandsOf(page: string): string[] {
  return page.split('\n').flatMap((line) => (/^ {4}\S/.test(line) ? [line.trim()] : []))
}

test('every line that it prints does what it says', async () => {
  const demo = new Cli(['demo', '--port', '0'])
  try {
    await demo.waitFor(/Ctrl-C stops everything/)
    const [good, bad, whitelisted, stop, without, start, again, ...rest] = commandsOf(demo.stdout)
    assert.deepEqual(rest, [])
    const run = async (line: string | undefined): Promise<CurlResult> => runLine(line ?? '')

    const first = await run(good)
    assert.match(first.output, /^HTTP\/1\.1 200 OK\r?\n/m)
    assert.match(first.output, /^x-ip-score: 90\r?$/m)
    assert.match(first.output, /hello from the origin/)

    const second = await run(bad)
    assert.equal(second.code, 52)
    assert.match(second.output, /Empty reply from server/)

    const third = await run(whitelisted)
    assert.match(third.output, /^HTTP\/1\.1 200 OK\r?\n/m)
    assert.doesNotMatch(third.output, /x-ip-score|x-spoe-error/)

    const url = /^The agent's live page: (http:\/\/127\.0\.0\.1:\d+\/)$/m.exec(demo.stdout)?.[1] ?? ''
    const asked = (await (await fetch(`${url}stats.json`)).json()) as { rows: { verdicts: object }[] }
    assert.deepEqual(asked.rows[0]?.verdicts, { 5: 1, 90: 1 })

    assert.match((await run(stop)).output, /the agent is stopped/)
    await assert.rejects(fetch(url))
    const fourth = await run(without)
    assert.match(fourth.output, /^HTTP\/1\.1 200 OK\r?\n/m)
    // Waited for in vain; or the checks have seen it by now.
    assert.match(fourth.output, /^x-spoe-error: (1|2|257)\r?$/m)
    assert.doesNotMatch(fourth.output, /x-ip-score/)
    assert.match((await run(stop)).output, /the agent is stopped already/)

    assert.match((await run(start)).output, /the agent runs/)
    assert.equal((await fetch(`${url}readyz`)).status, 200)
    assert.match((await run(again)).output, /^x-ip-score: 90\r?$/m)

    demo.signal('SIGINT')
    const { code, signal, stderr } = await demo.ended
    assert.deepEqual({ code, signal }, { code: 0, signal: null })
    assert.doesNotMatch(stderr, /Error|at file:/)
    const port = Number(/http:\/\/127\.0\.0\.1:(\d+)/.exec(good ?? '')?.[1])
    assert.equal(await refused(port), true)
  } finally {
    await demo.stop()
  }
})

function refused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(false))
    socket.once('error', () => resolve(true))
  })
}

test('PORT says where, --port says it louder, and a taken port is said with what to do', async () => {
  const [port = 0, other = 0] = await freePorts(2)
  const byEnv = new Cli(['demo'], { env: { PORT: String(port) } })
  const byOption = new Cli(['demo', '-p', String(other)], { env: { PORT: '1' } })
  try {
    await byEnv.waitFor(new RegExp(`sluice demo: http://127\\.0\\.0\\.1:${port} `))
    await byOption.waitFor(new RegExp(`sluice demo: http://127\\.0\\.0\\.1:${other} `))
    const second = await new Cli(['demo', '--port', String(port)]).ended
    assert.equal(
      second.stderr,
      `sluice: port ${port} is taken; try: npm start -- --port ${port + 1} (ERR_SLUICE_OPTION)\n`,
    )
    assert.equal(second.stdout, '')
    assert.equal(second.code, 1)
  } finally {
    byEnv.signal('SIGTERM')
    byOption.signal('SIGTERM')
    assert.equal((await byEnv.ended).code, 0)
    assert.equal((await byOption.ended).code, 0)
  }
})

test('Ctrl-C works while a client is connected', async () => {
  const demo = new Cli(['demo', '--port', '0'])
  try {
    const port = Number((await demo.waitFor(/http:\/\/127\.0\.0\.1:(\d+)/))[1])
    const client = connect(port, '127.0.0.1')
    client.on('error', () => {})
    await new Promise((resolve) => client.once('connect', resolve))
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await new Promise((resolve) => client.once('data', resolve))
    demo.signal('SIGINT')
    assert.equal((await demo.ended).code, 0)
    client.destroy()
  } finally {
    await demo.stop()
  }
})
