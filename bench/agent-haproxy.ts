/** The agent behind a real HAProxy under wrk: CPU per million requests, and beside HAProxy's own. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { atMost, notRun, told, type Figure } from './figure.js'
import { messageName } from './payloads.js'
import { freePort, waitFor } from './ports.js'
import { cpuSeconds, hasProgram, median, startScript } from './processes.js'
import { spawn } from 'node:child_process'

const name = 'agent-haproxy-64'

const configuration = (port: number, agent: string) => `
global
    nbthread 1
    maxconn 1000
defaults
    mode http
    timeout connect 2s
    timeout client 10s
    timeout server 1m
frontend fe
    bind 127.0.0.1:${port}
    filter spoe engine bench config spoe.conf
    http-request return status 200 content-type text/plain string ok hdr x-score %[var(sess.b.ip_score)]
backend agents
    mode tcp
    server agent 127.0.0.1:${agent}
`

const spoe = `
[bench]
spoe-agent bench
    messages ${messageName}
    option var-prefix b
    timeout hello 2s
    timeout idle 1m
    timeout processing 1s
    use-backend agents
spoe-message ${messageName}
    args ip=src
    event on-frontend-http-request
`

interface Measurement {
  readonly perSecond: number
  readonly agent: number
  readonly haproxy: number
}

async function measure(seconds: number): Promise<Measurement> {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  const agent = await startScript(0, 'agent-server', 'one')
  const port = await freePort()
  writeFileSync(join(dir, 'haproxy.cfg'), configuration(port, agent.line))
  writeFileSync(join(dir, 'spoe.conf'), spoe)
  const haproxy = spawn('taskset', ['-c', '1', 'haproxy', '-db', '-f', 'haproxy.cfg'], {
    cwd: dir,
    stdio: 'ignore',
  })
  try {
    await waitFor(port)
    const wrk = (time: number) =>
      promisify(execFile)('taskset', [
        '-c',
        '0,1',
        'wrk',
        '-t1',
        '-c64',
        `-d${time}s`,
        `http://127.0.0.1:${port}/`,
      ])
    await wrk(1)
    const before = [cpuSeconds(agent.pid), cpuSeconds(haproxy.pid ?? 0)] as const
    const { stdout } = await wrk(seconds)
    const requests = Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0)
    if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`${name}: ${stdout}`)
    return {
      perSecond: requests / seconds,
      agent: ((cpuSeconds(agent.pid) - before[0]) / requests) * 1e6,
      haproxy: ((cpuSeconds(haproxy.pid ?? 0) - before[1]) / requests) * 1e6,
    }
  } finally {
    haproxy.kill('SIGKILL')
    await agent.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

export async function runHaproxyCase(runs: number, seconds: number): Promise<Figure[]> {
  const missing = ['haproxy', 'wrk', 'taskset'].filter((program) => !hasProgram(program))
  if (missing.length > 0) return [notRun(name, `${missing.join(', ')} is not installed`)]
  const results: Measurement[] = []
  for (let run = 0; run < runs; run++) results.push(await measure(seconds))
  const share = median(results.map((result) => (100 * result.agent) / result.haproxy))
  return [
    told(name, 'requests', median(results.map((result) => result.perSecond)), '1/s'),
    atMost(name, 'CPU per million requests', median(results.map((result) => result.agent)), 's', 3.5),
    told(name, 'HAProxy: CPU per million requests', median(results.map((result) => result.haproxy)), 's'),
    atMost(name, "share of HAProxy's CPU", share, '%', 35),
  ]
}
