/** Random SPOE filters of an HTTP frontend: which events, which options, what is done with the variables. */
import type { Random } from './random.ts'

/** See the head of this file. */
export interface SpoeSetup {
  /** In the frontend. */
  readonly rules: readonly string[]
  /** Options of the spoe-agent. */
  readonly options: readonly string[]
  /** One message each, in this order. */
  readonly events: readonly string[]
  /** What the agent announces. */
  readonly capabilities: '' | 'pipelining' | 'pipelining,async'
  /** How it answers DISCONNECT. */
  readonly farewell: 'answers' | 'closes'
}

/** Frontends of one configuration, each with an agent of its own. */
export const spoeSlots = 12

/** Milliseconds after which an agent is too late. */
export const processing = 1200

/** Where the other programs of a frontend listen. */
export interface SpoePorts {
  readonly fe: number
  readonly origin: number
  readonly agent: number
}

export function renderSpoeSetup(setup: SpoeSetup, slots: readonly SpoePorts[]): string {
  return [
    'defaults',
    '  mode http',
    '  timeout connect 1s',
    '  timeout client 4s',
    '  timeout server 4s',
    ...slots.flatMap(({ fe, origin, agent }, at) => [
      '',
      `listen f${at}`,
      `  bind 127.0.0.1:${fe}`,
      `  filter spoe engine e config spoe${at}.conf`,
      ...setup.rules.map((line) => `  ${line}`),
      '  http-response set-header X-Seen "%[var(txn.e.v)] %[var(txn.e.err)] %[var(res.e.r)] %[var(sess.e.s)]"',
      `  server s 127.0.0.1:${origin}`,
      `backend agents${at}`,
      '  mode tcp',
      // HAProxy overlooks some time-outs of events, and waits until this one ends the connection.
      '  timeout server 2s',
      `  server a 127.0.0.1:${agent}`,
    ]),
  ].join('\n')
}

/** The SPOE file of a frontend. */
export function spoeFile({ options, events }: SpoeSetup, at: number): string {
  const names = events.map((_, number) => `m${number}`)
  return [
    '[e]',
    'spoe-agent a',
    ...(names.length > 0 ? [`  messages ${names.join(' ')}`] : []),
    '  groups g',
    '  option var-prefix e',
    '  option force-set-var',
    ...options.map((line) => `  ${line}`),
    '  timeout hello 2s',
    '  timeout idle 30s',
    `  timeout processing ${processing}ms`,
    `  use-backend agents${at}`,
    ...events.flatMap((event, number) => [
      `spoe-message m${number}`,
      `  args n=int(${number}) err=var(txn.e.err),bool${/response/.test(event) ? ' s=status' : ''}`,
      `  event ${event}`,
    ]),
    'spoe-message mg',
    '  args n=str(group) err=var(txn.e.err),bool',
    'spoe-group g',
    '  messages mg',
    '',
  ].join('\n')
}

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
const rules = [
  'http-request send-spoe-group e g',
  'http-request send-spoe-group e g if { var(txn.e.err) -m found }',
  'http-request deny if { var(txn.e.v) -m str 2 }',
  'http-request set-header X-V "%[var(txn.e.v)]"',
  'http-response send-spoe-group e g',
  'http-response set-status 202 if { var(txn.e.err) -m found }',
  'tcp-request content accept if { var(txn.e.v) -m found }',
]

export function randomSpoeSetup(random: Random): SpoeSetup {
  const capabilities = random.weighted({ pipelining: 60, '': 25, 'pipelining,async': 15 })
  const async = capabilities === 'pipelining,async' ? 'option async' : 'no option async'
  return {
    rules: random.some(rules, random.pick([0, 0, 1, 2, 3])),
    options: [
      ...(random.chance(80) ? ['option set-on-error err'] : []),
      ...(random.chance(40) ? ['option continue-on-error'] : []),
      ...(random.chance(20) ? ['no option pipelining'] : []),
      // Sluice announces it only where it is written.
      ...(capabilities === 'pipelining,async' || random.chance(20) ? [async] : []),
    ],
    events: random.some(events, random.pick([1, 1, 2, 2, 3, 4, 8])),
    capabilities,
    farewell: random.pick(['answers', 'closes']),
  }
}

/** Whether the agent may answer on any connection. */
export function isAsync({ capabilities, options }: SpoeSetup): boolean {
  return capabilities === 'pipelining,async' && options.includes('option async')
}

export function* smallerSpoeSetups(setup: SpoeSetup): Generator<SpoeSetup> {
  for (const part of ['events', 'rules', 'options'] as const) {
    for (const at of setup[part].keys()) yield { ...setup, [part]: setup[part].toSpliced(at, 1) }
  }
  if (setup.capabilities !== 'pipelining') yield { ...setup, capabilities: 'pipelining' }
}
