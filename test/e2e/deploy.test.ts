/**
 * What the containers of deploy/docker and the pods of deploy/kubernetes run, without containers: the configuration of the
 * agents, HAProxy's files, and the probes.
 */
import assert from 'node:assert/strict'
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { freePorts } from '../support/ports.ts'
import { Cli, root, runCli } from '../support/sluice.ts'
import { until } from '../support/until.ts'
import { ask } from './agent-support.ts'

const skip = skipWithoutHaproxy()
const docker = join(root, 'deploy/docker')
const read = (name: string) => readFileSync(join(docker, name), 'utf8')

test('agents, HAProxy and probes, from the files of the compose file', { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'deploy-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(join(docker, 'agents'), folder, { recursive: true })
  const [agent = 0, status = 0, origin = 0] = await freePorts(3)
  const config = join(folder, 'agents.yaml')
  const ports = ['--listen', `127.0.0.1:${agent}`, '--status', `127.0.0.1:${status}`]
  const cli = new Cli(['agent', '--config', config, ...ports])
  t.after(() => cli.stop())
  const probe = async (path: string) =>
    (await fetch(`http://127.0.0.1:${status}${path}`).catch(() => ({ status: 0 }))).status
  await until(async () => (await probe('/readyz')) === 200, 'ready', 30_000)
  assert.equal(await probe('/healthz'), 200)
  const health = await runCli(['probe', '--health', `spop://127.0.0.1:${agent}`, '--timeout', '20000'])
  assert.equal(health.code, 0, health.stderr)

  const haproxy = await startHaproxy({
    ports: ['fe'],
    files: {
      'ip-reputation.spoe.conf': read('ip-reputation.spoe.conf').replace(
        'processing 100ms',
        'processing 10s',
      ),
    },
    // What stands behind it does not matter here.
    config: ({ fe }) =>
      read('haproxy.cfg')
        .replace('${PORT-8080}', String(fe))
        .replace(/server origin .*/, 'http-request return status 200 content-type text/plain string origin'),
    env: { AGENT: `127.0.0.1:${agent}`, ORIGIN: `127.0.0.1:${origin}` },
  })
  t.after(() => haproxy.stop())
  const { fe } = haproxy.ports
  const status2 = async () => (await ask(fe, { localAddress: '127.0.0.2' })).status
  assert.equal((await ask(fe)).status, 200)
  assert.equal(await status2(), 200)
  appendFileSync(join(folder, 'blocked.txt'), '127.0.0.2\n')
  await until(async () => (await status2()) === 403, 'the list is read again', 30_000)
  assert.equal((await ask(fe)).status, 200)
  cli.signal('SIGTERM')
  assert.equal((await cli.ended).code, 0)
  assert.equal((await ask(fe)).status, 503, 'fails closed')
})

for (const path of ['docker/agents', 'kubernetes/base', 'kubernetes/sidecar', 'kubernetes/redis']) {
  test(`deploy/${path}: the configuration is valid`, async () => {
    const config = join(root, 'deploy', path, 'agents.yaml')
    const { code, stderr } = await runCli(['agent', '--config', config, '--check'])
    assert.equal(code, 0, stderr)
  })
}

test('deploy/docker: sluice check has no complaint', async () => {
  const args = ['check', '--for', 'haproxy', '--haproxy-version', '3.2', '--deny-warnings', 'haproxy.cfg']
  const { code, stdout } = await runCli(args, { cwd: docker })
  assert.equal(code, 0, stdout)
})
