/**
 * A random configuration of an HTTP proxy: modes, rules of every phase, and a SPOE filter. It is kept as lines, each of
 * which can be left out to see whether it matters.
 */
import type { Random } from './random.ts'

/** See the head of this file. */
export interface HttpSetup {
  readonly defaults: readonly string[]
  readonly frontend: readonly string[]
  readonly backend: readonly string[]
  /** Parameters of the server. */
  readonly server: readonly string[]
  /** Lines of the SPOE file, below its `[e]`; none: no filter. */
  readonly spoe: readonly string[]
}

/** Where the other programs listen. */
export interface SetupPorts {
  readonly fe: number
  readonly origin: number
  readonly agent: number
}

const timeouts = [
  'timeout connect 1s',
  'timeout client 1500ms',
  'timeout server 1500ms',
  'timeout http-request 1200ms',
  'timeout http-keep-alive 3s',
  'timeout queue 3s',
]

/** haproxy.cfg for both programs. */
export function renderHttpSetup(
  setup: HttpSetup,
  { fe, origin, agent }: SetupPorts,
  overFcgi = false,
): string {
  const section = (head: string, lines: readonly string[]): string[] => [
    head,
    ...lines.map((line) => `  ${line}`),
    '',
  ]
  // Clients that have ended their side get their answer, as with HAProxy; an application would be told.
  const app = ['docroot /srv', 'no option abort-request']
  const filter = setup.spoe.length > 0 ? ['filter spoe engine e config spoe.conf'] : []
  return [
    ...section('defaults', ['mode http', ...timeouts, ...setup.defaults]),
    ...section('frontend f', [`bind 127.0.0.1:${fe}`, ...filter, ...setup.frontend, 'default_backend b']),
    ...section('backend b', [
      ...setup.backend,
      ...(overFcgi ? ['use-fcgi-app app'] : []),
      ['server s', `127.0.0.1:${origin}`, ...(overFcgi ? ['proto fcgi'] : []), ...setup.server].join(' '),
    ]),
    ...(overFcgi ? section('fcgi-app app', app) : []),
    ...(filter.length > 0 ? section('backend agents', ['mode tcp', `server a 127.0.0.1:${agent}`]) : []),
  ].join('\n')
}

/** spoe.conf; undefined when there is no filter. */
export function renderSpoe(setup: HttpSetup): string | undefined {
  return setup.spoe.length > 0 ? `[e]\n${setup.spoe.join('\n')}\n` : undefined
}

/** What configurations are made of; a run can ask for fewer. */
export interface HttpTaste {
  readonly spoe: boolean
  readonly rules: boolean
  /** Servers that break off before or in an answer: what follows is known to differ (http-known.ts). */
  readonly deaths: boolean
}

export function randomHttpSetup(random: Random, taste: HttpTaste): HttpSetup {
  const spoe = taste.spoe && random.chance(25) ? randomSpoe(random) : []
  const rules = (percent: number) => taste.rules && random.chance(percent)
  return {
    defaults: [...modes(random), ...(random.chance(15) ? ['option http-buffer-request'] : [])],
    frontend: [
      ...(random.chance(10) ? modes(random, true) : []),
      ...(rules(25) ? tcpRules(random) : []),
      ...(rules(70) ? requestRules(random, spoe.length > 0) : []),
      ...(rules(60) ? responseRules(random, spoe.length > 0) : []),
      ...(rules(40) ? afterResponseRules(random) : []),
    ],
    backend: [
      ...(random.chance(40) ? modes(random) : []),
      ...(rules(15) ? tcpRules(random) : []),
      ...(rules(30) ? requestRules(random, false) : []),
      ...(rules(40) ? responseRules(random, false) : []),
      ...(rules(20) ? afterResponseRules(random) : []),
    ],
    // Fewer, and some of the clients of one configuration would wait for longer than `timeout queue`.
    server: random.chance(15) ? [`maxconn ${random.pick([4, 5, 6])}`] : [],
    spoe,
  }
}

function modes(random: Random, frontend = false): string[] {
  const close = random.pick([
    '',
    '',
    '',
    'option httpclose',
    'option http-server-close',
    'option http-keep-alive',
  ])
  const reuse = random.pick(['', 'never', 'safe', 'aggressive', 'always'])
  return [
    ...(close === '' ? [] : [close]),
    ...(reuse === '' || frontend ? [] : [`http-reuse ${reuse}`]),
    ...(random.chance(15) ? ['option forwardfor'] : []),
    ...(random.chance(5) ? ['option abortonclose'] : []),
  ].filter((line) => !frontend || !line.includes('abortonclose'))
}

const requestConditions = [
  'path_beg /a',
  'path_end b',
  'path /c/b',
  'method POST',
  'method GET HEAD',
  'req.hdr(x-cond) -m found',
  'req.hdr(x-cond) 1',
  'req.hdr_cnt(x-multi) gt 1',
  'url_param(q) 1',
  'req.ver 1.0',
  'req.hdr(content-length) -m found',
  'req.hdr(transfer-encoding) -m found',
  'var(txn.a) -m found',
  'var(sess.s) -m found',
  'http_first_req',
]
const bodyConditions = [
  'req.body -m found',
  'req.body_len gt 3',
  'req.body -m beg id=',
  'req.body_size gt 0',
  'req.body_param(id) -m found',
]
const responseConditions = [
  'status 200',
  'status 204 304',
  'status ge 400',
  'res.hdr(x-o) -m found',
  'res.hdr(content-length) -m found',
  'res.hdr(transfer-encoding) -m found',
  'res.hdr_cnt(x-o) gt 1',
  'res.ver 1.0',
  'var(txn.a) -m found',
]
const resBodyConditions = ['res.body_len gt 0', 'res.body -m beg 0,1', 'res.body_size gt 10']

function condition(random: Random, pool: readonly string[]): string {
  const one = () => `${random.chance(15) ? '!' : ''}{ ${random.pick(pool)} }`
  const first = `${random.chance(80) ? 'if' : 'unless'} ${one()}`
  return random.chance(15) ? `${first} ${random.pick(['', '|| '])}${one()}` : first
}

function requestRules(random: Random, spoe: boolean): string[] {
  const pool = random.chance(35) ? [...requestConditions, ...bodyConditions] : requestConditions
  const actions = [
    'set-header X-A a',
    'set-header X-A "v%[path]"',
    'set-header X-Multi one',
    'add-header X-B "b%[req.hdr(x-multi)]"',
    'add-header X-Multi more',
    'del-header X-Multi',
    'del-header x-m -m beg',
    'del-header Accept',
    'set-var(txn.a) path',
    'set-var(txn.b) req.hdr(x-multi)',
    'set-var(sess.s) int(1)',
    'set-var(req.r) method',
    'set-var-fmt(txn.f) "%[method] %[path]"',
    'unset-var(txn.a)',
    'set-path /p%[path]',
    'set-query q=%[path]',
    'allow',
    ...(random.chance(35)
      ? ['set-var(txn.l) req.body_len', 'set-header X-L "%[req.body_len]/%[req.body_size]"']
      : []),
    ...(spoe ? ['send-spoe-group e g', 'set-header X-V "%[var(txn.e.v)]"'] : []),
  ]
  const final = [
    'deny',
    'deny deny_status 429',
    'deny deny_status 400 content-type text/plain string "no" hdr X-R r',
    'return status 200 content-type text/plain string "hello"',
    'return status 200 content-type text/plain lf-string "%[method] %[path]" hdr X-R "%[path]"',
    'return status 204',
    'return status 404',
    'redirect location /else',
    'redirect prefix http://b.example code 301',
    'redirect scheme https code 307',
  ]
  return lines(random, 'http-request', actions, final, pool)
}

function responseRules(random: Random, spoe: boolean): string[] {
  const pool = random.chance(20) ? [...responseConditions, ...resBodyConditions] : responseConditions
  const actions = [
    'set-header X-S a',
    'set-header X-S "%[status] %[res.hdr(x-o)]"',
    'add-header X-O more',
    'del-header X-O',
    'del-header Server',
    'del-header set- -m beg',
    'set-status 202',
    'set-status 404 reason "Gone away"',
    'set-var(txn.a) status',
    'set-var(res.r) res.hdr(x-o)',
    'set-var-fmt(txn.f) "%[status]"',
    'set-header X-F "%[var(txn.a)]/%[var(txn.f)]/%[var(sess.s)]"',
    'allow',
    ...(random.chance(20) ? ['set-header X-L "%[res.body_len]"'] : []),
    ...(spoe
      ? ['set-header X-V "%[var(txn.e.v)]/%[var(res.e.w)]/%[var(txn.e.err)]"', 'send-spoe-group e g']
      : []),
  ]
  const final = [
    'deny',
    'deny deny_status 503',
    'return status 200 content-type text/plain string "instead"',
    'return status 403 content-type text/plain lf-string "%[var(txn.a)]" hdr X-R r',
  ]
  return lines(random, 'http-response', actions, final, pool)
}

function afterResponseRules(random: Random): string[] {
  const actions = [
    'set-header X-After a',
    'add-header X-After "%[status]"',
    'del-header X-O',
    'del-header X-S',
    'set-status 299',
    'set-var(txn.a) status',
    'set-header X-F "%[var(txn.a)]"',
    'allow',
  ]
  return lines(random, 'http-after-response', actions, [], responseConditions)
}

function lines(
  random: Random,
  set: string,
  actions: readonly string[],
  final: readonly string[],
  pool: readonly string[],
): string[] {
  return Array.from({ length: random.pick([1, 1, 2, 2, 3, 4, 6]) }, () => {
    if (final.length > 0 && random.chance(20))
      return `${set} ${random.pick(final)} ${condition(random, pool)}`
    const action = random.pick(actions)
    return `${set} ${action}${random.chance(55) ? ` ${condition(random, pool)}` : ''}`
  })
}

function tcpRules(random: Random): string[] {
  const pool = [
    'path_beg /c',
    'method DELETE',
    'req.hdr(x-cond) -m found',
    'req.proto_http',
    'req.len gt 0',
    'wait_end',
  ]
  const all = [
    'content accept',
    'content set-var(txn.a) path',
    'content set-var(sess.s) int(2)',
    'content set-var(txn.t) req.len,mul(0)',
  ]
  const chosen = Array.from({ length: random.pick([1, 1, 2, 3]) }, () => {
    return `tcp-request ${random.pick(all)}${random.chance(70) ? ` ${condition(random, pool)}` : ''}`
  })
  if (random.chance(30)) chosen.push('tcp-request content reject if { path /c/b } { method POST }')
  return [...(random.chance(50) ? ['tcp-request inspect-delay 100ms'] : []), ...chosen]
}

/** Events with messages of one form, which the agent of http-kind.ts answers. */
const events = [
  'on-client-session',
  'on-frontend-tcp-request',
  'on-frontend-http-request',
  'on-backend-tcp-request',
  'on-backend-http-request',
  'on-server-session',
  'on-tcp-response',
  'on-http-response',
]

function randomSpoe(random: Random): string[] {
  const chosen = random.some(events, random.pick([1, 1, 1, 2, 2, 3, 8]))
  const args = (event: string) => {
    if (/client|tcp-re|server/.test(event)) return 'n=int(7)'
    if (event === 'on-http-response') return 'id=var(txn.id) status=status len=res.hdr(content-length)'
    return `id=req.hdr(x-id) m=method p=path multi=req.hdr(x-multi)${random.chance(30) ? ' body=req.body' : ''}`
  }
  const messages = chosen.map((event, at) => ({ name: `m${at}`, event, args: args(event) }))
  return [
    'spoe-agent a',
    `  messages ${messages.map(({ name }) => name).join(' ')}`,
    '  groups g',
    '  option var-prefix e',
    '  option set-on-error err',
    '  option force-set-var',
    '  timeout hello 2s',
    '  timeout idle 30s',
    '  timeout processing 2s',
    '  use-backend agents',
    ...messages.flatMap(({ name, event, args: list }) => [
      `spoe-message ${name}`,
      `  args ${list}`,
      `  event ${event}${random.chance(25) && /http-request/.test(event) ? ' if { path_beg /a }' : ''}`,
    ]),
    'spoe-message mg',
    '  args id=str(group)',
    'spoe-group g',
    '  messages mg',
  ]
}

/** The same with less, most of it left out first. */
export function* smallerHttpSetups(setup: HttpSetup): Generator<HttpSetup> {
  const bare: HttpSetup = { defaults: [], frontend: [], backend: [], server: [], spoe: [] }
  if (JSON.stringify(setup) !== JSON.stringify(bare)) yield bare
  if (setup.spoe.length > 0) {
    const used = /e g\b|\.e\./
    const without = (each: readonly string[]) => each.filter((line) => !used.test(line))
    yield { ...setup, spoe: [], frontend: without(setup.frontend), backend: without(setup.backend) }
  }
  for (const part of ['frontend', 'backend', 'defaults', 'server'] as const) {
    const all = setup[part]
    if (all.length > 1) yield { ...setup, [part]: [] }
    const half = Math.ceil(all.length / 2)
    if (all.length > 2) {
      yield { ...setup, [part]: all.slice(half) }
      yield { ...setup, [part]: all.slice(0, half) }
    }
    for (const at of all.keys()) yield { ...setup, [part]: all.toSpliced(at, 1) }
    for (const [at, line] of all.entries()) {
      const always = line.replace(/ (?:if|unless) .*/, '')
      if (always !== line) yield { ...setup, [part]: all.with(at, always) }
    }
  }
  yield* smallerSpoe(setup)
}

function* smallerSpoe(setup: HttpSetup): Generator<HttpSetup> {
  for (const [at, line] of setup.spoe.entries()) {
    const name = /^spoe-message (m\d+)/.exec(line)?.[1]
    if (name === undefined) continue
    const spoe = setup.spoe
      .toSpliced(at, 3)
      .map((each) => (each.startsWith('  messages m') ? each.replace(new RegExp(` ${name}\\b`), '') : each))
    if (!spoe.includes('  messages')) yield { ...setup, spoe }
  }
}
