/** The agent behind a real HAProxy under wrk: CPU per million requests, and beside HAProxy's own. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { atMost, notRun, told, type Figure } from './figure.js'
import { freePort, waitFor } from './ports.js'
import { proxyConfiguration } from './proxy-origin.js'
import { cpuSeconds, hasProgram, median, startScript } from './processes.js'
import { spawn } from 'node:child_process'

const name = 'agent-haproxy-64'

interface Measurement {
  readonly perSecond: number
  readonly agent: number
  readonly haproxy: number
}

async function measure(seconds: number): Promise<Measurement> {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  const agent = await startScript(0, 'agent-server', 'one')
  const port = await freePort()
  const files = proxyConfiguration('spoe', port, { address: `127.0.0.1:${agent.line}` })
  for (const [file, text] of Object.entries(files)) writeFileSync(join(dir, file), text)
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
    atMost(name, 'CPU per million requests', median(results.map((result) => result.agent)), 's', 2.6),
    told(name, 'HAProxy: CPU per million requests', median(results.map((result) => result.haproxy)), 's'),
    atMost(name, "share of HAProxy's CPU", share, '%', 35),
  ]
}
