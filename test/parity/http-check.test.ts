/**
 * `option httpchk` and `http-check` of HAProxy and of sluice: the same requests, and the same verdicts in the same words, over HTTP
 * and, with a real php-fpm, over FastCGI.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadProxy } from 'sluice/proxy'
import { tempDir } from '../fcgi/support.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { freePorts } from '../support/ports.ts'
import { skipWithoutPhpFpm, startPhpFpm } from '../support/php-fpm.ts'
import { startSluice } from '../support/sluice.ts'

const skip = skipWithoutHaproxy() || skipWithoutPhpFpm()

interface Case {
  readonly lines: readonly string[]
  /** Of the defaults section that it names. */
  readonly inherited?: readonly string[]
  readonly target: 'http' | 'php' | 'nobody'
}

const php = (...lines: string[]): Case => ({ lines, target: 'php' })
const http = (...lines: string[]): Case => ({ lines, target: 'http' })

/** Lines behind those of a defaults section. */
const behind = (...lines: string[]): Case => ({
  lines,
  inherited: [
    'option httpchk GET /204',
    'http-check send hdr Host inherited',
    'http-check expect status 204',
  ],
  target: 'http',
})

/** Nobody is where the server line points to; HTTP in a line stands for the port of the HTTP server. */
const elsewhere = (...lines: string[]): Case => ({ lines, target: 'nobody' })

const cases: readonly Case[] = [
  http('option httpchk'),
  http('option httpchk /503'),
  http('option httpchk GET /301'),
  http('option httpchk HEAD /204 HTTP/1.0'),
  http('option httpchk GET /404', 'http-check expect status 404'),
  http('option httpchk GET /404', 'http-check expect status 200-299,404'),
  http('option httpchk GET /200', 'http-check expect ! status 200'),
  http('option httpchk GET /200', 'http-check expect rstatus ^2..$'),
  http('option httpchk GET /200', 'http-check expect ! rstatus ^2'),
  http('option httpchk GET /200', 'http-check expect string body'),
  http('option httpchk GET /200', 'http-check expect string nothere'),
  http('option httpchk GET /200', 'http-check expect ! string body'),
  http('option httpchk GET /200', 'http-check expect rstring h.llo'),
  http('option httpchk GET /503', 'http-check expect rstring h.llo'),
  http('option httpchk GET /200', 'http-check expect rstring (?i)H.LLO'),
  http('http-check send meth POST uri /200 ver HTTP/1.1 hdr Host www hdr X-A b body abc', 'option httpchk'),
  http('option httpchk', 'http-check send meth PUT uri /200 hdr X-A b'),
  http(
    'option httpchk',
    'http-check send meth POST uri-lf /200?%[srv_name,length]%%%[str(a),upper] hdr X-Be %[be_name,regsub([0-9]+,)] hdr X-Mixed "a %{+Q}[env(NOBODY_HAS_THIS)] %[int(7),add(1)]b" body-lf %[be_id,bool]%[var(proc.none)]%%',
  ),
  http('option httpchk', 'http-check send uri-lf /%[var(txn.none)]503'),
  http('option httpchk GET /hang'),
  { lines: ['option httpchk GET /200'], target: 'nobody' },
  http('option httpchk', 'http-check connect', 'http-check send uri /200'),
  elsewhere('option httpchk GET /200', 'http-check connect port HTTP'),
  elsewhere('option httpchk GET /404', 'http-check connect default port HTTP linger comment "the other one"'),
  elsewhere(
    'option httpchk GET /200',
    'http-check connect port HTTP',
    'http-check send hdr X-Percent 100%%',
    'http-check expect status 200',
    'http-check connect addr 127.0.0.1 port HTTP',
    'http-check send meth GET uri /301 body-lf a%%b comment "second"',
    'http-check expect status 301',
  ),
  elsewhere(
    'option httpchk',
    'http-check comment "two rounds, the second fails"',
    'http-check connect port HTTP',
    'http-check send uri-lf /200?%%',
    'http-check expect status 200',
    'http-check connect port HTTP',
    'http-check send uri /503%[x]',
    'http-check expect ! string hello',
  ),
  elsewhere(
    'option httpchk',
    'http-check connect port HTTP',
    'http-check send uri /404',
    'http-check expect status 200',
    'http-check connect port HTTP',
    'http-check send uri /never',
    'http-check expect status 200',
  ),
  { lines: ['option httpchk GET /200', 'http-check connect'], target: 'nobody' },
  behind(),
  behind('http-check send uri /200'),
  behind('option httpchk GET /301'),
  behind('option httpchk', 'http-check send meth PUT uri /200'),
  behind('option httpchk GET /503', 'http-check expect status 503'),
  behind('http-check connect', 'http-check send uri /404'),
  php(
    'option httpchk GET /ping',
    'http-check connect default',
    'http-check send',
    'http-check expect string pong',
  ),
  php('option httpchk GET /ping', 'http-check connect proto fcgi'),
  php('option httpchk GET /ping'),
  php('option httpchk GET /ping', 'http-check expect string pong'),
  php('option httpchk GET /ping', 'http-check expect string ping'),
  php('option httpchk GET /none.php'),
  php('option httpchk GET /broken.php'),
  php('option httpchk POST /post.php', 'http-check send body a=1', 'http-check expect string 3'),
  php('option httpchk GET /slow.php'),
  php(),
]

describe('health checks that ask', { skip }, () => {
  it('find the same', async (t) => {
    const scripts = {
      'broken.php': '<?php http_response_code(500); echo 1;',
      'post.php': `<?php echo strlen(file_get_contents('php://input'));`,
      'slow.php': '<?php sleep(5);',
    }
    const fpm = await startPhpFpm({ scripts, children: 8, settings: ['ping.path = /ping'] })
    t.after(() => fpm.stop())
    const haproxy = await run(t, startHaproxy, fpm.socket, fpm.docroot)
    const sluice = await run(t, startSluice, fpm.socket, fpm.docroot)
    assert.equal(haproxy.lines.length, cases.length)
    assert.deepEqual(sluice.lines, haproxy.lines)
    assert.deepEqual(sluice.requests, haproxy.requests)
  })
})

it('what a format may ask is what there is without a stream', (t) => {
  const cwd = tempDir(t)
  // HAProxy takes the fourth and the fifth, and has nothing for them.
  const lines = ['hdr A %[path]', 'hdr A %[fe_name]', 'uri-lf /%[nope]', 'hdr A %[src]', 'uri-lf /%[status]']
  for (const line of lines) {
    writeFileSync(
      join(cwd, 'a.cfg'),
      `listen a\n mode http\n bind 127.0.0.1:1\n option httpchk\n http-check send ${line}\n`,
    )
    const { diagnostics } = loadProxy({ files: ['a.cfg'], cwd, env: {} })
    const errors = diagnostics.filter(({ severity }) => severity === 'error')
    assert.equal(errors.length, 1, line)
    assert.match(errors[0]?.code ?? '', /^CFG_SAMPLE_/, line)
  }
})

/** Until each server has had one verdict: the lines without their times, and the requests that came, each once. */
async function run(
  t: TestContext,
  start: typeof startHaproxy | typeof startSluice,
  socket: string,
  docroot: string,
): Promise<{ lines: string[]; requests: string[] }> {
  const requests = new Set<string>()
  const server = createServer((request, response) => {
    const { method, url = '', httpVersion, rawHeaders } = request
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => requests.add([method, url, httpVersion, ...rawHeaders, body].join(' ')))
    if (url === '/hang') return
    response.writeHead(Number(/\d+/.exec(url)?.[0] ?? 200)).end('hello body')
  }).listen(0, '127.0.0.1')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise((resolve) => {
    server.once('listening', resolve)
  })
  const [nobody] = await freePorts(1)
  const { port: httpPort } = server.address() as AddressInfo
  const targets = {
    http: `127.0.0.1:${httpPort}`,
    nobody: `127.0.0.1:${nobody}`,
    php: `unix@${socket} proto fcgi`,
  }
  const running = await start({
    ports: ['fe'],
    config: ({ fe }) => `
global
  log stdout format raw local0
defaults common
  mode http
  log global
  option log-health-checks
  timeout client 2s
  timeout server 2s
  timeout connect 1s
frontend fe from common
  bind 127.0.0.1:${fe}
fcgi-app php
  docroot ${docroot}
${cases
  .map(
    (
      { lines, inherited, target },
      at,
    ) => `${inherited === undefined ? '' : `defaults d${at} from common\n  ${inherited.join('\n  ')}\n`}backend b${at} from ${inherited === undefined ? 'common' : `d${at}`}
  ${[...lines.map((line) => line.replace(/\bHTTP$|\bHTTP(?= )/, String(httpPort))), ...(target === 'php' ? ['use-fcgi-app php'] : [])].join('\n  ')}
  server s ${targets[target]} check inter 2s rise 1 fall 1`,
  )
  .join('\n')}
`,
  })
  t.after(() => running.stop())
  const seen = () => {
    const found = [...running.logs().matchAll(/^(Health check for server b(\d+)\/s .*)$/gm)]
    return new Map(
      found.map(([, line = '', at]) => [Number(at), line.replace(/duration: \d+ms/, 'duration')]),
    )
  }
  for (let tries = 0; tries < 400 && seen().size < cases.length; tries++) await sleep(20)
  await running.stop()
  const lines = [...seen()].sort(([left], [right]) => left - right).map(([, line]) => line)
  return { lines, requests: [...requests].sort((left, right) => (left < right ? -1 : 1)) }
}
