/** Random configurations of mode tcp: content rules that wait for bytes and for agents. */
import type { Random } from './random.ts'

/** See the head of this file. Lines of a `listen` section; `spoe` is empty without a filter. */
export interface TcpSetup {
  readonly rules: readonly string[]
  readonly spoe: readonly string[]
}

/** Frontends of one configuration, each with an origin and an agent of its own. */
export const tcpSlots = 8

/** Where the other programs of a frontend listen. */
export interface TcpPorts {
  readonly fe: number
  readonly origin: number
  readonly agent: number
}

export function renderTcpSetup(setup: TcpSetup, slots: readonly TcpPorts[]): string {
  const filter = (at: number) =>
    setup.spoe.length > 0 ? [`  filter spoe engine e config spoe${at}.conf`] : []
  return [
    'defaults',
    '  mode tcp',
    '  timeout connect 1s',
    '  timeout client 2s',
    '  timeout server 2s',
    ...slots.flatMap(({ fe, origin, agent }, at) => [
      '',
      `listen f${at}`,
      `  bind 127.0.0.1:${fe}`,
      ...filter(at),
      ...setup.rules.map((line) => `  ${line}`),
      `  server s 127.0.0.1:${origin}`,
      ...(setup.spoe.length > 0
        ? [`backend agents${at}`, '  mode tcp', `  server a 127.0.0.1:${agent}`]
        : []),
    ]),
  ].join('\n')
}

/** One file for each frontend, since each has agents of its own. */
export function tcpFiles(setup: TcpSetup): Record<string, string> {
  if (setup.spoe.length === 0) return {}
  return Object.fromEntries(
    Array.from({ length: tcpSlots }, (_, at) => {
      const text = `[e]\n${setup.spoe.join('\n')}\n`.replace('use-backend agents', `use-backend agents${at}`)
      return [`spoe${at}.conf`, text]
    }),
  )
}

const conditions = [
  'req.len gt 0',
  'req.len ge 3',
  'req.len gt 5',
  'req.len ge 8',
  'req.payload(0,3) -m str abc',
  'req.payload(0,3) -m str BAD',
  'req.payload(0,0) -m sub x',
  'req.payload(2,4) -m found',
  'var(txn.x) -m found',
  'var(sess.y) -m int 1',
  'wait_end',
]
const spoeConditions = ['var(txn.e.v) -m str bad', 'var(txn.e.v) -m found', 'var(txn.e.err) -m found']
const responseConditions = [
  'res.payload(0,3) -m str bye',
  'res.payload(0,0) -m sub 5',
  'res.payload(0,6) -m found',
  'var(txn.x) -m found',
  'wait_end',
]

export function randomTcpSetup(random: Random): TcpSetup {
  const spoe = random.chance(60) ? randomSpoe(random) : []
  const pool = spoe.length > 0 ? [...conditions, ...spoeConditions, ...spoeConditions] : conditions
  return {
    rules: [
      ...(random.chance(75) ? [`tcp-request inspect-delay ${random.pick([100, 200])}ms`] : []),
      ...rules(random, 'tcp-request', pool, spoe.length > 0),
      ...(random.chance(30)
        ? [
            ...(random.chance(75) ? [`tcp-response inspect-delay ${random.pick([100, 200])}ms`] : []),
            ...rules(random, 'tcp-response', responseConditions, false),
          ]
        : []),
    ],
    spoe,
  }
}

function rules(random: Random, set: string, pool: readonly string[], spoe: boolean): string[] {
  const look = set === 'tcp-request' ? 'req.payload(0,2)' : 'res.payload(0,2)'
  const actions = [
    'accept',
    'reject',
    'set-var(txn.x) int(1)',
    `set-var(txn.x) ${look}`,
    'set-var(sess.y) int(1)',
    'unset-var(txn.x)',
    ...(spoe ? ['send-spoe-group e g', 'send-spoe-group e g', 'send-spoe-group e g'] : []),
  ]
  return Array.from({ length: random.pick([1, 2, 2, 3, 4]) }, () => {
    const action = random.pick(actions)
    const bare = !/^(?:accept|reject)/.test(action) && random.chance(35)
    const one = () => `${random.chance(12) ? '!' : ''}{ ${random.pick(pool)} }`
    const more = random.chance(20) ? ` ${random.pick(['', '|| '])}${one()}` : ''
    return `${set} content ${action}${bare ? '' : ` ${random.chance(85) ? 'if' : 'unless'} ${one()}${more}`}`
  })
}

/** The agent answers a message after as many milliseconds as its name says. */
const delays = [0, 0, 40, 120, 500]

function randomSpoe(random: Random): string[] {
  const events = ['on-client-session', 'on-frontend-tcp-request', 'on-server-session', 'on-tcp-response']
  const chosen = random.some(events, random.pick([0, 0, 1, 1, 2, 4]))
  const messages = chosen.map((event, at) => {
    const args = event === 'on-frontend-tcp-request' ? 'p=req.payload(0,0) len=req.len' : 'n=int(7)'
    return { name: `m${at}d${random.pick(delays)}`, event, args }
  })
  const group = `gd${random.pick(delays)}`
  return [
    'spoe-agent a',
    ...(messages.length > 0 ? [`  messages ${messages.map(({ name }) => name).join(' ')}`] : []),
    '  groups g',
    '  option var-prefix e',
    '  option set-on-error err',
    '  option force-set-var',
    ...(random.chance(30) ? ['  option continue-on-error'] : []),
    '  timeout hello 2s',
    '  timeout idle 30s',
    '  timeout processing 250ms',
    '  use-backend agents',
    ...messages.flatMap(({ name, event, args }) => [
      `spoe-message ${name}`,
      `  args ${args}`,
      `  event ${event}`,
    ]),
    `spoe-message ${group}`,
    '  args p=req.payload(0,0) len=req.len',
    'spoe-group g',
    `  messages ${group}`,
  ]
}

export function* smallerTcpSetups(setup: TcpSetup): Generator<TcpSetup> {
  if (setup.spoe.length > 0) {
    yield { rules: setup.rules.filter((line) => !/spoe|txn\.e/.test(line)), spoe: [] }
  }
  for (const at of setup.rules.keys()) yield { ...setup, rules: setup.rules.toSpliced(at, 1) }
  for (const [at, line] of setup.rules.entries()) {
    const always = line.replace(/ (?:if|unless) .*/, '')
    if (always !== line) yield { ...setup, rules: setup.rules.with(at, always) }
  }
  for (const [at, line] of setup.spoe.entries()) {
    const name = /^spoe-message (m\d+d\d+)/.exec(line)?.[1]
    if (name === undefined) continue
    const spoe = setup.spoe.toSpliced(at, 3).flatMap((each) => {
      const less = each.startsWith('  messages m') ? each.replace(` ${name}`, '') : each
      return less === '  messages' ? [] : [less]
    })
    yield { ...setup, spoe }
  }
}
