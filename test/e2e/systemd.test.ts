/**
 * The units of deploy/systemd and of the starter, as systemd's own tools see them, and what systemd is told: a datagram socket
 * of perl's in place of systemd's, `systemd-notify` and `systemd-socket-activate` themselves.
 */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { freePorts } from '../support/ports.ts'
import { Cli, root, runCli } from '../support/sluice.ts'
import { until } from '../support/until.ts'

const run = promisify(execFile)

const units = [
  ['deploy/systemd/sluice-agent@.service', 'sluice-agent@ip-reputation.service'],
  ['deploy/systemd/sluice-agent@.socket', 'sluice-agent@ip-reputation.socket'],
  ['starter/deploy/my-agent.service', 'my-agent.service'],
] as const
const services = units.filter(([, name]) => name.endsWith('.service'))

function folderOf(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'units-'))
  t.after(() => rmSync(dir, { recursive: true }))
  return dir
}

test('systemd-analyze verify has no complaint', async (t) => {
  const dir = folderOf(t)
  for (const [path, name] of units) copyFileSync(join(root, path), join(dir, name))
  const files = units.map(([, name]) => `./${name}`)
  const { stdout, stderr } = await run('systemd-analyze', ['verify', ...files], {
    cwd: dir,
    env: { ...process.env, SYSTEMD_UNIT_PATH: `${dir}:` },
  })
  assert.equal(stdout + stderr, '')
})

for (const [path, name] of services) {
  test(`${path}: systemd-analyze security, 1.4 of 10`, async (t) => {
    const dir = folderOf(t)
    copyFileSync(join(root, path), join(dir, name))
    const args = ['security', '--offline=true', '--no-pager', '--threshold=14', `./${name}`]
    const { stdout } = await run('systemd-analyze', args, { cwd: dir })
    assert.match(stdout, /exposure level for .*: 1\.4 OK/)
  })
}

/** Prints each datagram as a line. perl has the sockets that Node.js lacks, and is a part of every Debian. */
const receiver = `use Socket; $| = 1; socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die; bind($s, sockaddr_un($ARGV[0])) or die;
print "bound\\n"; while (defined recv($s, my $text, 4096, 0)) { $text =~ s/\\n*$//; print "$text\\n" }`

/** What a systemd would have been told so far. */
async function startReceiver(t: TestContext): Promise<{ socket: string; told: () => string[] }> {
  const socket = join(folderOf(t), 'notify')
  const child = spawn('perl', ['-e', receiver, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (more: string) => (text += more))
  await until(() => text.startsWith('bound'), 'the socket is there')
  return { socket, told: () => text.split('\n').slice(1, -1) }
}

const agent = ['agent', 'ip-reputation', '--listen', '127.0.0.1:0']

test('READY=1 when the agent listens, WATCHDOG=1 from then on, none from a loop that stands', async (t) => {
  const { socket, told } = await startReceiver(t)
  const cli = new Cli(agent, { env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '200000' } })
  t.after(() => cli.stop())
  const messages = () => told().filter((line) => /^(READY|WATCHDOG)=/.test(line))
  await until(() => messages().length >= 3, 'systemd was told', 30_000)
  assert.match(cli.output, /ip-reputation listens on/)
  assert.deepEqual(messages().slice(0, 3), ['READY=1', 'WATCHDOG=1', 'WATCHDOG=1'])
  cli.signal('SIGSTOP')
  // What had left before it was stopped.
  await new Promise((resolve) => setTimeout(resolve, 500))
  const before = messages().length
  await new Promise((resolve) => setTimeout(resolve, 500))
  assert.equal(messages().length, before)
  cli.signal('SIGCONT')
  await until(() => messages().length > before, 'it turns again', 30_000)
})

test('a ready agent is ready when its data is there, and not before', async (t) => {
  const { socket, told } = await startReceiver(t)
  const dir = folderOf(t)
  const entry = 'ip-reputation: { sources: [{ name: late, file: late.txt, refresh: 1s }] }'
  writeFileSync(join(dir, 'agents.yaml'), `listen: 127.0.0.1:0\nagents:\n  ${entry}\n`)
  const cli = new Cli(['agent', '--config', join(dir, 'agents.yaml')], { env: { NOTIFY_SOCKET: socket } })
  t.after(() => cli.stop())
  await until(() => cli.output.includes('not ready'), 'it listens without data', 30_000)
  assert.deepEqual(told(), [])
  writeFileSync(join(dir, 'late.txt'), '192.0.2.1\n')
  await until(() => told().includes('READY=1'), 'the data is there', 60_000)
})

test('a watchdog that is for another process is not ours', async (t) => {
  const { socket, told } = await startReceiver(t)
  const cli = new Cli(agent, { env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '50000', WATCHDOG_PID: '1' } })
  t.after(() => cli.stop())
  await until(() => told().includes('READY=1'), 'ready', 30_000)
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.ok(!told().includes('WATCHDOG=1'))
})

test('without systemd-notify it is said once, and the agent serves', async (t) => {
  const cli = new Cli(agent, { env: { NOTIFY_SOCKET: '/nowhere', WATCHDOG_USEC: '50000', PATH: '/nowhere' } })
  t.after(() => cli.stop())
  await until(() => cli.output.includes('systemd was not told'), 'it is said', 30_000)
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.equal(cli.output.split('systemd was not told READY=1').length, 2)
  assert.ok(cli.running)
})

test('fd@3 is the socket that systemd has', async (t) => {
  const [port = 0] = await freePorts(1)
  const main = join(root, 'dist/cli/main.js')
  const activate = [
    '-l',
    `127.0.0.1:${port}`,
    process.execPath,
    main,
    'agent',
    'ip-reputation',
    '--listen',
    'fd@3',
  ]
  const child = spawn('systemd-socket-activate', activate, { stdio: ['ignore', 'ignore', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  await until(() => said.includes('Listening on'), 'systemd listens')
  // The first connection starts the agent, and waits for it.
  const { code, stderr } = await runCli([
    'probe',
    '--health',
    `spop://127.0.0.1:${port}`,
    '--timeout',
    '20000',
  ])
  assert.equal(code, 0, stderr)
})
