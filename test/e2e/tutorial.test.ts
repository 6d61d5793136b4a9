/**
 * A newcomer with an empty folder: the package as it would be published is installed from its file, and the commands of
 * docs/tutorial.md are run in their order, as they stand there. Then the real HAProxy reads what the project has for it.
 */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { freePorts } from '../support/ports.ts'
import { root } from '../support/sluice.ts'
import { until } from '../support/until.ts'
import { ask } from './agent-support.ts'

const skip = skipWithoutHaproxy()
const run = promisify(execFile)

/** The lines of the shell's blocks of a page, in order. */
function commandsOf(page: string): string[] {
  const blocks = readFileSync(join(root, page), 'utf8').matchAll(/```sh\n([\s\S]*?)```/g)
  return [...blocks].flatMap(([, text = '']) => text.trim().split('\n'))
}

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'newcomer-')))
const project = join(folder, 'my-agent')
const [agentPort = 0, proxyPort = 0] = await freePorts(2)
/** What was started in the background: each is a process group. */
const started: number[] = []

after(() => {
  for (const pid of started) {
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
  }
  rmSync(folder, { recursive: true, force: true })
})

// What is in npm's cache since `npm ci` is not asked for again.
const quiet = { npm_config_prefer_offline: 'true', npm_config_audit: 'false', npm_config_fund: 'false' }
const env = {
  ...process.env,
  ...quiet,
  npm_config_update_notifier: 'false',
  LISTEN: `127.0.0.1:${agentPort}`,
  AGENT: `127.0.0.1:${agentPort}`,
  PORT: String(proxyPort),
  DRAIN_MS: '0',
  // `node --test` of the project would report to this one, and print nothing.
  NODE_TEST_CONTEXT: undefined,
}
let tarball = ''

before(async () => {
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder]
  const { stdout } = await run('npm', pack, { cwd: root, env })
  tarball = join(folder, stdout.trim().split('\n').at(-1) ?? '')
  // A folder of its own, as npx has: the project is not below an installed sluice.
  const npx = join(folder, 'npx')
  mkdirSync(npx)
  writeFileSync(join(npx, 'package.json'), '{ "private": true }')
  await run('npm', ['install', '--omit=dev', '--omit=optional', '--omit=peer', tarball], { cwd: npx, env })
})

/** The command with what differs on this machine: where the command is, and the ports. */
const here = (command: string) =>
  command
    // The project gets the package from the same file.
    .replace(/^npx sluice init/, './npx/node_modules/.bin/sluice init')
    .replace(/^npx /, './node_modules/.bin/')
    .replaceAll('12345', String(agentPort))
    .replaceAll('8080', String(proxyPort))

const listens = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    }).on('error', () => resolve(false))
  })

/** Starts a command that ends with `&`, and waits until somebody listens. */
async function startInBackground(command: string, cwd: string): Promise<void> {
  const child = spawn('sh', ['-c', command.replace(/&$/, '')], { cwd, env, detached: true, stdio: 'ignore' })
  started.push(child.pid ?? 0)
  child.unref()
  const port = command.includes('proxy') ? proxyPort : agentPort
  await until(() => listens(port), `${command} listens`, 60_000)
}

/** What commands of the tutorial print, where it says so. */
const shows: readonly (readonly [command: RegExp, output: RegExp])[] = [
  [/sluice init/, /my-agent is in my-agent/],
  [/^npm test/, /pass 7/],
  [/8080\/$/, /HTTP\/1\.1 200[\s\S]*hello 127\.0\.0\.1, you are fine/],
  [/config$/, /HTTP\/1\.1 403/],
  [/probe/, /conforms/],
  [/types/, /'check-request': \{ ip: 'ip\?', path: 'string/],
]

test('docs/tutorial.md: every command, in its order', { skip, timeout: 170_000 }, async () => {
  let cwd = folder
  for (const command of commandsOf('docs/tutorial.md')) {
    if (command.startsWith('cd ')) cwd = join(cwd, command.slice(3))
    else if (command.endsWith('&')) await startInBackground(here(command), cwd)
    else {
      const { stdout } = await run('sh', ['-c', here(command)], { cwd, env }).catch((error: unknown) => {
        const { stdout: out, stderr } = error as { stdout: string; stderr: string }
        assert.fail(`${command}\n${out}${stderr}`)
      })
      for (const [pattern, wanted] of shows) if (pattern.test(command)) assert.match(stdout, wanted, command)
    }
  }
  assert.equal(cwd, project)
})

test(
  'the project behind the real HAProxy: verdicts, and none when the agent is gone',
  { skip },
  async (t) => {
    const read = (name: string) => readFileSync(join(project, 'haproxy', name), 'utf8')
    const haproxy = await startHaproxy({
      ports: ['fe'],
      files: { 'spoe-my-agent.conf': read('spoe-my-agent.conf') },
      config: ({ fe }) => read('haproxy.cfg').replace('${PORT-8080}', String(fe)),
      env: { AGENT: `127.0.0.1:${agentPort}` },
    })
    t.after(() => haproxy.stop())
    const status = async (path: string) => (await ask(haproxy.ports.fe, { path })).status
    assert.deepEqual([await status('/'), await status('/.git/config')], [200, 403])
    for (const pid of started) process.kill(-pid, 'SIGTERM')
    await until(async () => (await status('/')) === 503, 'fails closed', 10_000)
  },
)

test('the project says in a line why it does not start', { skip }, async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  t.after(() => taken.close())
  await once(taken, 'listening')
  const listen = `127.0.0.1:${(taken.address() as AddressInfo).port}`
  for (const [wrong, reason] of [
    [{ LISTEN: listen }, /^my-agent: cannot listen: .* the address is in use by another process\n$/],
    [{ FAILURE: 'shut' }, /^my-agent: FAILURE is open or closed, not 'shut'\n$/],
    [{ DRAIN_MS: '3s' }, /^my-agent: DRAIN_MS is a number of milliseconds, not '3s'\n$/],
  ] as const) {
    const start = run('npm', ['start', '--silent'], { cwd: project, env: { ...env, ...wrong } })
    await assert.rejects(start, (error: { stderr: string; code: number }) => {
      assert.match(error.stderr, reason)
      assert.equal(error.code, 1)
      return true
    })
  }
})

test('installing the package runs no script, and its README links to what is in it', () => {
  const installed = join(folder, 'npx/node_modules/sluice')
  const readme = readFileSync(join(installed, 'README.md'), 'utf8')
  const links = [...readme.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, path = '']) => path)
  assert.ok(links.length > 10)
  for (const path of links) assert.ok(readFileSync(join(installed, path)).length > 0, path)
  const { scripts } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  for (const name of ['preinstall', 'install', 'postinstall']) assert.equal(scripts[name], undefined, name)
})
