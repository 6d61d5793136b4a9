/** Applications behind nginx: what a request costs our responder, `serveFcgi`, and node:http. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn } from 'node:child_process'
import { atMost, notRun, told, type Figure } from './figure.js'
import { freePort, waitFor } from './ports.js'
import { compile, hasProgram, median, start, startScript } from './processes.js'
import { readLoad, type Measurement } from './proxy-run.js'
import { nginxParams } from '../test/support/gateways.js'

export interface AppCase {
  readonly name: string
  /** For fcgi-app-server. */
  readonly kind: 'responder' | 'serve'
  /** CPU of it as a multiple of that of node:http. */
  readonly bar: number
}

export const appCases: readonly AppCase[] = [
  { name: 'fcgi-responder', kind: 'responder', bar: 1 },
  { name: 'fcgi-serve', kind: 'serve', bar: 1 },
]

const connections = 32
/** As in proxy-cases.ts: the just-in-time compiler counts calls. */
const warmUp = '-w 2 -n 40000'

/** `runs` rounds; in each one the application has its turn behind that of node:http. */
export async function runAppCase(each: AppCase, runs: number, seconds: number): Promise<Figure[]> {
  const missing = ['nginx', 'taskset'].filter((program) => !hasProgram(program))
  if (missing.length > 0) return [notRun(each.name, `${missing.join(', ')} is not installed`)]
  const load = compile('http-load')
  if (load === undefined) return [notRun(each.name, 'no C compiler')]
  const node: Measurement[] = []
  const own: Measurement[] = []
  for (let run = 0; run < runs; run++) {
    node.push(await measure('node', seconds, load))
    own.push(await measure(each.kind, seconds, load))
  }
  const pick = (results: readonly Measurement[], key: keyof Measurement) =>
    median(results.map((result) => result[key]))
  const ratio = median(own.map(({ cpu }, run) => cpu / (node[run]?.cpu ?? Number.NaN)))
  return [
    told(each.name, 'node:http: requests', pick(node, 'perSecond'), '1/s'),
    told(each.name, 'node:http: CPU per million requests', pick(node, 'cpu'), 's'),
    told(each.name, 'sluice: requests', pick(own, 'perSecond'), '1/s'),
    told(each.name, 'sluice: CPU per million requests', pick(own, 'cpu'), 's'),
    atMost(each.name, 'sluice: CPU over node:http', ratio, 'x', each.bar),
  ]
}

/** The application on core 0, nginx and the load on core 1. */
async function measure(kind: AppCase['kind'] | 'node', seconds: number, load: string): Promise<Measurement> {
  const app = await startScript(0, 'fcgi-app-server', kind)
  try {
    const nginx = await startNginx(kind === 'node' ? 'http' : 'fastcgi', app.line)
    try {
      const args = `-a ${nginx.port} -l 5 -p ${app.pid} -c ${connections} -t ${seconds} ${warmUp}`
      const client = await start(1, [load, ...args.split(' ')])
      await client.stop()
      return readLoad(client.line, kind)
    } finally {
      await nginx.stop()
    }
  } finally {
    await app.end()
  }
}

async function startNginx(protocol: 'http' | 'fastcgi', appPort: string) {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  const port = await freePort()
  const file = join(dir, 'nginx.conf')
  writeFileSync(file, nginxConfig(dir, port, appPort, passes[protocol]))
  const child = spawn('taskset', ['-c', '1', 'nginx', '-p', dir, '-c', file], { stdio: 'ignore' })
  const stop = async () => {
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
    rmSync(dir, { recursive: true, force: true })
  }
  await waitFor(port)
  return { port, stop }
}

/** Both applications are told who the client is. */
const passes = {
  http: `proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;`,
  fastcgi: `fastcgi_pass app;
      fastcgi_keep_conn on;
      ${nginxParams.map(([name, value]) => `fastcgi_param ${name} ${value};`).join('\n      ')}`,
} as const

/** A connection serves a thousand requests by default, and here as many as there are. */
function nginxConfig(dir: string, port: number, appPort: string, pass: string): string {
  const folders = ['client_body', 'fastcgi', 'proxy', 'uwsgi', 'scgi']
  return `daemon off;
master_process off;
pid ${dir}/nginx.pid;
error_log ${dir}/error.log;
events { worker_connections 1000; }
http {
  access_log off;
  keepalive_requests 1000000000;
  ${folders.map((each) => `${each}_temp_path ${dir}/${each};`).join('\n  ')}
  upstream app { server 127.0.0.1:${appPort}; keepalive 64; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      ${pass}
    }
  }
}
`
}
