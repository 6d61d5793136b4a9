/** SPOE scenarios: events, modes, options, failures. Each is played on HAProxy and on sluice, see spoe-stage.ts. */
import { ack, agentHello, frame, setVar } from '../engine/scripted-agent.ts'
import {
  acts,
  after,
  both,
  close,
  disconnects,
  greets,
  half,
  nothing,
  ok,
  raw,
  reset,
  sends,
  twice,
  withoutFin,
  wrongFrame,
  wrongStream,
} from './spoe-actor.ts'
import type { Deed, Greeting } from './spoe-actor.ts'
import { processing } from './spoe-stage.ts'
import type { SpoeScenario } from './spoe-stage.ts'

const hex = (text: string) => Buffer.from(text).toString('hex')
const text = (value: string) => value.length.toString(16).padStart(2, '0') + hex(value)
const onRequest = 'event on-frontend-http-request'

const httpEvents = [
  'on-client-session',
  'on-frontend-tcp-request',
  'on-frontend-http-request',
  'on-backend-tcp-request',
  'on-backend-http-request',
  'on-server-session',
  'on-tcp-response',
  'on-http-response',
]
const tcpEvents = [
  'on-client-session',
  'on-frontend-tcp-request',
  'on-backend-tcp-request',
  'on-server-session',
  'on-tcp-response',
]

const all = (events: readonly string[]) =>
  Object.fromEntries(events.map((event, at) => [`m${at}`, [`args n=int(${at})`, `event ${event}`]]))

const eventScenarios: readonly SpoeScenario[] = [
  ...httpEvents.map((event): SpoeScenario => ({
    name: `http ${event}, twice on one connection`,
    messages: { m: ['args n=int(1) err=var(txn.e.err)', `event ${event}`] },
    rules: ['http-request set-header X-Seen "%[var(txn.e.v)]"'],
    requests: 2,
  })),
  ...tcpEvents.map((event): SpoeScenario => ({
    name: `tcp ${event}`,
    mode: 'tcp',
    messages: { m: ['args n=int(1)', `event ${event}`] },
  })),
  { name: 'http, all events', messages: all(httpEvents), requests: 2 },
  { name: 'tcp, all events', mode: 'tcp', messages: all(tcpEvents) },
  { name: 'tcp, all events, a silent client', mode: 'tcp', messages: all(tcpEvents), silent: true },
  {
    name: 'several messages of one event, in the order of the agent',
    messages: {
      m2: ['args a=int(2)', onRequest],
      m1: ['args a=int(1) a=int(3)', onRequest],
      m0: [onRequest],
    },
  },
  {
    name: 'conditions: all, some and none of the messages',
    messages: {
      m: ['args n=int(1)', `${onRequest} if { path /1 }`],
      n: ['args n=int(2)', `${onRequest} unless { path /3 }`],
    },
    requests: 4,
  },
  {
    name: 'http, all events of a filter in the backend',
    filterIn: 'backend',
    messages: all(httpEvents),
    requests: 2,
  },
  {
    name: 'tcp, all events of a filter in the backend',
    mode: 'tcp',
    filterIn: 'backend',
    messages: all(tcpEvents),
  },
  ...(['frontend', 'backend'] as const).map((filterIn): SpoeScenario => ({
    name: `tcp frontend and http backend, all events of a filter in the ${filterIn}`,
    mode: 'tcp',
    backendMode: 'http',
    filterIn,
    messages: { ...all(httpEvents), named: ['args p=path f=fe_name', 'event on-frontend-http-request'] },
    requests: 3,
  })),
  {
    name: 'tcp frontend and http backend, a verdict of on-frontend-http-request',
    mode: 'tcp',
    backendMode: 'http',
    messages: { m: ['args p=path', onRequest] },
    backend: ['http-request deny if { var(txn.e.v) -m int 2 }'],
    requests: 3,
  },
  {
    name: 'http, monitor-uri and all events',
    messages: all(httpEvents),
    rules: ['monitor-uri /1'],
    requests: 2,
  },
  {
    name: 'http, events of a connection know nothing of the response',
    messages: {
      c: ['args n=int(1) v=var(req.x)', 'event on-server-session'],
      t: ['args s=status l=res.len', 'event on-tcp-response'],
      h: ['args s=status', 'event on-http-response'],
    },
    rules: ['http-request set-var(req.x) int(7)'],
    requests: 2,
  },
  ...(['', 'tcp-response inspect-delay 2s'] as const).flatMap((delay) =>
    ['reject if { status 200 }', 'reject if { res.hdr(x-none) -m found }', 'set-var(txn.e.v) status'].map(
      (rule): SpoeScenario => ({
        name: `http, tcp-response content ${rule}, ${delay || 'no delay'}`,
        messages: { t: ['args s=status', 'event on-tcp-response'] },
        deeds: [acts('')],
        backend: [...(delay === '' ? [] : [delay]), `tcp-response content ${rule}`],
      }),
    ),
  ),
  ...['on-server-session', 'on-tcp-response', 'on-http-response'].map((event): SpoeScenario => ({
    name: `http, ${event}, whose agent takes longer than timeout server`,
    messages: { m: [`event ${event}`] },
    backend: ['timeout server 150ms'],
    deeds: [after(350, ok)],
  })),
  {
    name: 'two engines on one stream',
    second: true,
    messages: { m: ['args n=int(1)', onRequest], r: ['args s=status', 'event on-http-response'] },
    requests: 2,
  },
  {
    name: 'a verdict keeps the request from the server',
    messages: { m: [onRequest] },
    rules: ['http-request deny deny_status 403 if { var(txn.e.v) -m int 2 }'],
    requests: 3,
  },
]

const types = [
  'bt=bool(true) bf=bool(false) i=int(300) n=int(-5) big=int(9223372036854775807)',
  's=str(hello) e=str() m=method ip=ipv4(192.0.2.1) ip6=ipv6(2001:db8::1) bin=bin(00ff10)',
  'nul=req.hdr(x-none) path int(7)',
]

const typed: readonly (readonly [name: string, data: string])[] = [
  ['null', '00'],
  ['true', '11'],
  ['false', '01'],
  ['int32', '02 05'],
  ['int32 below 0', '02 fb f0 fe fe fe fe fe fe 0e'],
  ['uint32', '03 fc f0 06'],
  ['int64', '04 fb f0 fe fe fe fe fe fe fe 0e'],
  ['uint64', '05 ff f0 fe fe fe fe fe fe fe 0e'],
  ['ipv4', '06 c0 00 02 01'],
  ['ipv6', `07 2001 0db8 ${'00'.repeat(11)}01`],
  ['string', `08 ${text('hi there')}`],
  ['empty string', '08 00'],
  ['binary', '09 03 00 ff 10'],
  ['unknown type', '0b 01'],
  ['string with flags', `48 ${text('flags')}`],
]

const scopes = ['proc', 'sess', 'txn', 'req', 'res']

const valueScenarios: readonly SpoeScenario[] = [
  { name: 'arguments of every type', messages: { m: [`args ${types.join(' ')}`, onRequest] } },
  ...typed.map(([name, data]): SpoeScenario => ({
    name: `set-var ${name}, and what is behind it`,
    messages: {
      m: [onRequest],
      r: ['args t=var(txn.e.t) w=var(txn.e.w)', 'event on-http-response'],
    },
    rules: [
      'http-request set-header X-T "%[var(txn.e.t)]"',
      'http-response set-header X-T "%[var(txn.e.t)]"',
    ],
    deeds: [acts(`01 03 02 01 ${hex('t')} ${data} ${setVar('w', 9)}`)],
    differs:
      name === 'string with flags'
        ? {
            told: ['1: m()\n2: r(t=binary:flags w=int64:9)', '1: m()\n2: r(t=string:flags w=int64:9)'],
          }
        : {},
  })),
  ...scopes.map((scope, at): SpoeScenario => ({
    name: `set-var in ${scope}`,
    messages: { m: [`${onRequest} if { path /1 }`] },
    rules: [
      `http-request set-header X-T "%[var(${scope}.e.t)]"`,
      `http-response set-header X-T "%[var(${scope}.e.t)]"`,
    ],
    deeds: [acts(`01 03 0${at} 01 ${hex('t')} 02 07`)],
    requests: 2,
  })),
  {
    name: 'unset-var',
    messages: { m: [onRequest], r: ['args v=var(txn.e.v)', 'event on-http-response'] },
    deeds: [acts(`${setVar('v', 4)} 02 02 02 01 ${hex('v')}`)],
  },
  {
    name: 'unknown names are not set without force-set-var',
    bare: true,
    agent: ['timeout processing 500ms', 'register-var-names known', 'option set-on-error err'],
    messages: { m: [onRequest], r: ['args n=var(sess.e.known)', 'event on-http-response'] },
    deeds: [
      acts(
        `01 03 01 ${text('known')} 02 01 01 03 01 ${text('unknown')} 02 02 01 03 04 ${text('other')} 02 02 ${setVar('v', 3)}`,
      ),
    ],
  },
  {
    name: 'an action with a wrong number of arguments ends the list',
    messages: { m: [onRequest] },
    deeds: [acts(`${setVar('v', 1)} 01 02 02 01 ${hex('w')} 02 01 ${setVar('w', 1)}`)],
  },
  {
    name: 'an action with a wrong scope ends the list',
    messages: { m: [onRequest] },
    deeds: [acts(`${setVar('v', 1)} 01 03 05 01 ${hex('w')} 02 01 ${setVar('w', 1)}`)],
  },
  {
    name: 'an action that breaks off',
    messages: { m: [onRequest] },
    deeds: [acts(`${setVar('v', 1)} 01 03 02 05 ${hex('w')}`)],
  },
  {
    name: 'an unknown action',
    messages: { m: [onRequest] },
    deeds: [acts(`${setVar('v', 1)} 07 03 02 01 ${hex('w')} 02 01`)],
  },
  { name: 'an ACK without actions', messages: { m: [onRequest] }, deeds: [acts('')] },
  {
    name: 'the error as an argument, a number and a condition',
    agent: ['option continue-on-error'],
    messages: {
      m: [onRequest],
      r: ['args err=var(txn.e.err) n=var(txn.e.err),add(1)', 'event on-http-response'],
    },
    rules: [
      'http-response set-header X-B yes if { var(txn.e.err) -m bool }',
      'http-response set-header X-I yes if { var(txn.e.err) -m int 257 }',
      'http-response set-header X-S yes if { var(txn.e.err) -m str 257 }',
      'http-response set-header X-A "%[var(txn.e.err),add(1)] %[var(txn.e.err),not] %[var(txn.e.err),length]"',
    ],
    deeds: [close],
    differs: {
      told: ['1: m()\n1: r(err=boolean:true n=boolean:true)', '1: m()\n2: r(err=boolean:true n=int64:258)'],
    },
  },
]

const group = { g1: ['args n=int(1) v=var(txn.e.v)'] }

const groupScenarios: readonly SpoeScenario[] = [
  {
    name: 'group in http-request',
    messages: group,
    rules: ['http-request send-spoe-group e g', 'http-request set-header X-Seen "%[var(txn.e.v)]"'],
    requests: 2,
  },
  {
    name: 'group in http-response',
    messages: group,
    rules: ['http-response send-spoe-group e g'],
    requests: 2,
  },
  {
    name: 'group twice, in request and response',
    messages: group,
    rules: [
      'http-request send-spoe-group e g',
      'http-request send-spoe-group e g if { var(txn.e.v) -m int 1 }',
      'http-response send-spoe-group e g',
    ],
  },
  ...(['http', 'tcp'] as const).flatMap((mode) =>
    (['', 'tcp-request inspect-delay 2s'] as const).map((delay): SpoeScenario => ({
      name: `group in tcp-request content, ${mode}, ${delay || 'no delay'}`,
      mode,
      messages: { ...group, m: ['args err=var(txn.e.err)', 'event on-backend-tcp-request'] },
      rules: [
        ...(delay === '' ? [] : [delay]),
        'tcp-request content send-spoe-group e g',
        'tcp-request content accept',
      ],
    })),
  ),
  ...(['', 'option continue-on-error'] as const).map((option): SpoeScenario => ({
    name: `group in tcp-request content, http, no delay, then an event; ${option || 'no option'}`,
    agent: option === '' ? [] : [option],
    messages: { ...group, m: ['args err=var(txn.e.err)', onRequest], r: ['event on-http-response'] },
    rules: ['tcp-request content send-spoe-group e g'],
    requests: 2,
    // HAProxy connects for what it does not send.
    unsteady: ['counters e'],
  })),
  ...(['', 'tcp-response inspect-delay 2s'] as const).map((delay): SpoeScenario => ({
    name: `group in tcp-response content, tcp, ${delay || 'no delay'}`,
    mode: 'tcp',
    filterIn: 'backend',
    messages: { ...group, m: ['args err=var(txn.e.err)', 'event on-server-session'] },
    backend: [...(delay === '' ? [] : [delay]), 'tcp-response content send-spoe-group e g'],
  })),
  ...(['http', 'tcp'] as const).map((mode): SpoeScenario => ({
    name: `group in tcp-request content, ${mode}, and a client that ends its side`,
    mode,
    messages: { ...group, m: ['args err=var(txn.e.err)', 'event on-backend-tcp-request'] },
    rules: ['tcp-request inspect-delay 2s', 'tcp-request content send-spoe-group e g'],
    deeds: [after(200, ok)],
    leaves: { how: 'fin', after: 60 },
  })),
  {
    name: 'group, whose agent is too slow for inspect-delay',
    mode: 'tcp',
    messages: { ...group, m: ['args err=var(txn.e.err)', 'event on-backend-tcp-request'] },
    rules: ['tcp-request inspect-delay 300ms', 'tcp-request content send-spoe-group e g'],
    deeds: [after(450, ok)],
  },
]

const modes: Readonly<Record<string, { agent: readonly string[]; greeting: Greeting }>> = {
  pipelining: { agent: [], greeting: greets('pipelining') },
  sync: { agent: ['no option pipelining', 'no option async'], greeting: greets('') },
  async: { agent: ['option async'], greeting: greets('pipelining,async') },
}

const failures: Readonly<Record<string, Deed>> = {
  'answers nothing': nothing,
  'answers too late': after(processing + 200, ok),
  closes: close,
  resets: reset,
  'breaks off': half,
  'takes another stream': wrongStream,
  'takes another frame': wrongFrame,
  'leaves FIN out': withoutFin,
  'answers twice': twice,
  'sends an ACK of one byte': sends('67'),
  'sends an ACK of three bytes': sends('67 00 00'),
  'sends an empty frame': raw('00000000'),
  'sends an unknown frame, then the ACK': both(sends('7f 00000001 00 00 aabb'), ok),
  'sends HELLO again, then the ACK': both((peer) => peer.send(agentHello('pipelining')), ok),
  'sends a frame of 4 GB': raw('ffffffff67'),
  'speaks HTTP': raw(hex('HTTP/1.1 400 Bad Request\r\n\r\n')),
  'sends a DISCONNECT without status': (peer) =>
    void peer.socket.end(Buffer.from(frame('66 00000001 00 00'), 'hex')),
}

const answer = (nr: number, code: number) =>
  `HTTP/1.1 200 OK | ${code === 0 ? `x-v: ${nr}` : `x-err: ${code}`} | x-nr: ${nr}`

/** Three requests, their codes and what the lines count in both programs. */
function differs(
  [theirs, theirCounters]: readonly [codes: readonly number[], counters: readonly string[]],
  [ours, ourCounters]: readonly [codes: readonly number[], counters: readonly string[]],
): Readonly<Record<string, readonly [string, string]>> {
  const log = (codes: readonly number[]) =>
    codes.map((code) => `EVENT:on-frontend-http-request ${code}`).join('\n')
  const places: [string, string, string][] = [
    ...theirs.map((code, at): [string, string, string] => {
      return [`answer ${at + 1}`, answer(at + 1, code), answer(at + 1, ours[at] ?? 0)]
    }),
    ['log e', log(theirs), log(ours)],
    ['counters e', theirCounters.join('\n'), ourCounters.join('\n')],
  ]
  return Object.fromEntries(
    places.flatMap(([place, one, other]) => (one === other ? [] : [[place, [one, other]] as const])),
  )
}

/** HAProxy has forgotten the NOTIFY, and goes on with the connection; here it is spared. */
const spared = differs(
  [
    [0, 1, 0],
    ['1/1 0/0 0/1', '1/1 0/0 1/2', '1/1 0/0 1/3'],
  ],
  [
    [0, 1, 0],
    ['1/1 0/0 0/1', '1/1 0/0 1/2', '2/2 0/0 1/3'],
  ],
)

/** HAProxy waits until the time is over: what is wrong is told at once here. */
const atOnce = (code: number, third = 0, counters = ['1/1 0/0 1/2', `1/1 0/0 ${third === 0 ? 1 : 2}/3`]) =>
  differs(
    [
      [0, 1, third],
      ['1/1 0/0 0/1', ...counters],
    ],
    [
      [0, code, 0],
      ['1/1 0/0 0/1', '0/0 0/0 1/2', '1/1 0/0 1/3'],
    ],
  )

/** What is left of a connection after a frame that is too short to be one. */
const invalid = {
  told: [
    '1: m(p=string:/1)\n1: m(p=string:/2)\n1: m(p=string:/3)',
    '1: m(p=string:/1)\n1: m(p=string:/2)\nDISCONNECT 4\n1: m(p=string:/3)',
  ],
} as const

type Differs = NonNullable<SpoeScenario['differs']>

function failureDiffers(mode: string, failure: string): Differs {
  const sync = mode === 'sync'
  const code = { 'sends an ACK of one byte': 1, 'sends an ACK of three bytes': 0, 'sends an empty frame': 1 }[
    failure
  ]
  if (code !== undefined)
    return { ...invalid, ...(sync ? atOnce(260, 0, ['0/1 0/0 1/2', '1/2 0/0 1/3']) : atOnce(260, code)) }
  if (
    !sync &&
    ['answers nothing', 'answers too late', 'takes another stream', 'takes another frame'].includes(failure)
  )
    return spared
  if (mode !== 'async') return {}
  const lost: Readonly<Record<string, number>> = {
    closes: 257,
    resets: 257,
    'breaks off': 257,
    'leaves FIN out': 266,
    'sends a frame of 4 GB': 259,
    'speaks HTTP': 259,
    'sends a DISCONNECT without status': 256,
  }
  return lost[failure] === undefined ? {} : atOnce(lost[failure])
}

const failureScenarios: readonly SpoeScenario[] = Object.entries(modes).flatMap(
  ([mode, { agent, greeting }]) =>
    Object.entries(failures).map(([name, deed]): SpoeScenario => ({
      name: `${mode}: an agent that ${name}`,
      agent,
      greeting,
      messages: { m: ['args p=path', onRequest] },
      deeds: [ok, deed],
      requests: 3,
      differs: failureDiffers(mode, name),
    })),
)

const farewells = (['closes', 'stays'] as const).flatMap((farewell) =>
  ['leaves FIN out', 'takes another frame'].map((name): SpoeScenario => ({
    name: `sync: an agent that ${name}, and ${farewell} when it is left`,
    agent: modes['sync']?.agent ?? [],
    greeting: greets(''),
    messages: { m: ['args p=path', onRequest] },
    deeds: [failures[name] ?? nothing],
    farewell,
    requests: 2,
  })),
)

const codes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 99, 100, 239]

const disconnectScenarios: readonly SpoeScenario[] = [
  ...Object.entries(modes).map(([mode, { agent, greeting }]): SpoeScenario => ({
    name: `${mode}: an agent that disconnects with every code`,
    agent,
    greeting,
    messages: { m: [onRequest] },
    deeds: (mode === 'async' ? codes.slice(0, 1) : codes).flatMap((code) => [ok, disconnects(code)]),
    requests: mode === 'async' ? 3 : 2 * codes.length,
    differs: mode === 'async' ? atOnce(256) : {},
  })),
  {
    name: 'a DISCONNECT with a long message',
    messages: { m: [onRequest] },
    deeds: [disconnects(3, 'm'.repeat(200))],
  },
  {
    name: 'an ACK, then DISCONNECT 0',
    messages: { m: [onRequest] },
    deeds: [both(ok, disconnects(0))],
    requests: 2,
    unsteady: ['counters e'],
  },
]

const hellos: Readonly<Record<string, Greeting>> = {
  'never answers HELLO': () => {},
  'closes instead of HELLO': (peer) => void peer.socket.end(),
  'answers HELLO with a DISCONNECT': (peer) => disconnects(5)(peer, undefined as never),
  'answers with another version': (peer) => peer.send(agentHello('').replace(hex('2.0'), hex('1.0'))),
  'answers with a frame size that is too large': greets('', 'ffffff07'),
  'answers with a frame size that is too small': greets('', 'ff00'),
  'leaves max-frame-size out': (peer) =>
    peer.send(frame(`65 00000001 00 00 ${text('version')} 08 ${text('2.0')} ${text('capabilities')} 08 00`)),
  'leaves the version out': (peer) =>
    peer.send(frame(`65 00000001 00 00 ${text('max-frame-size')} 03 fcf006 ${text('capabilities')} 08 00`)),
  'sends half a HELLO': (peer) => peer.send(agentHello('').slice(0, -8)),
  'leaves FIN out of HELLO': (peer) => peer.send(agentHello('').replace('6500000001', '6500000000')),
  'sends an ACK instead of HELLO': (peer) => peer.send(ack('0001')),
}

/** HAProxy connects again and again until the time is over; an agent that refuses will not say another thing meanwhile. */
const untilTheEnd = (codes: readonly number[]) => differs([[1, 1, 1], []], [codes, []])

const helloDiffers: Readonly<Record<string, Differs>> = {
  'answers HELLO with a DISCONNECT': untilTheEnd([261, 261, 261]),
  'answers with another version': untilTheEnd([264, 264, 264]),
  'answers with a frame size that is too large': untilTheEnd([265, 265, 265]),
  'answers with a frame size that is too small': untilTheEnd([265, 265, 265]),
  'leaves max-frame-size out': untilTheEnd([262, 262, 262]),
  'leaves the version out': untilTheEnd([261, 261, 261]),
  'leaves FIN out of HELLO': untilTheEnd([266, 266, 266]),
  'sends an ACK instead of HELLO': untilTheEnd([260, 260, 260]),
}

const helloScenarios: readonly SpoeScenario[] = [
  ...Object.entries(hellos).map(([name, greeting]): SpoeScenario => ({
    name: `an agent that ${name}`,
    agent: ['timeout hello 200ms'],
    greeting,
    messages: { m: [onRequest] },
    requests: 3,
    differs: helloDiffers[name] ?? {},
    unsteady: ['counters e'],
  })),
  {
    name: 'an agent that leaves the capabilities out',
    greeting: (peer) =>
      peer.send(
        frame(`65 00000001 00 00 ${text('version')} 08 ${text('2.0')} ${text('max-frame-size')} 03 fcf006`),
      ),
    messages: { m: [onRequest] },
    requests: 2,
  },
  {
    name: 'an agent that answers HELLO with spaces and unknown words',
    greeting: (peer) =>
      peer.send(
        frame(`65 00000001 00 00 ${text('version')} 08 ${text(' 2.0 ')} ${text('other')} 08 ${text('x')}
          ${text('max-frame-size')} 02 fcf006 ${text('capabilities')} 08 ${text(' what, pipelining ,x')}`),
      ),
    messages: { m: [onRequest] },
    requests: 2,
  },
  {
    name: 'an agent that refuses connections',
    refused: true,
    messages: { m: [onRequest] },
    requests: 3,
    // How many attempts to connect there are at that moment.
    unsteady: ['counters e'],
  },
  {
    name: 'an agents backend without a server that is up',
    agents: ['default-server disabled'],
    messages: { m: [onRequest] },
    requests: 2,
  },
]

/** HAProxy uses the frame id of a NOTIFY that has failed for the next one: what comes late is taken for its answer. */
const usedAgain: Differs = {
  told: [
    '1: m(n=int64:1)\n1: b(n=int64:2 err=boolean:true)\n2: r(n=int64:3 err=boolean:true)\n' +
      '1: m(n=int64:1)\n2: b(n=int64:2 err=null:)\n3: r(n=int64:3 err=null:)',
    '1: m(n=int64:1)\n2: b(n=int64:2 err=boolean:true)\n3: r(n=int64:3 err=boolean:true)\n' +
      '1: m(n=int64:1)\n2: b(n=int64:2 err=null:)\n3: r(n=int64:3 err=null:)',
  ],
}

const optionScenarios: readonly SpoeScenario[] = [
  ...(['', 'option continue-on-error'] as const).flatMap((option) =>
    Object.entries({ close, 'a timeout': nothing }).map(([what, deed]): SpoeScenario => ({
      name: `events behind ${what}, ${option || 'no option'}`,
      agent: option === '' ? [] : [option],
      messages: {
        m: ['args n=int(1)', onRequest],
        b: ['args n=int(2) err=var(txn.e.err)', 'event on-backend-http-request'],
        r: ['args n=int(3) err=var(txn.e.err)', 'event on-http-response'],
      },
      deeds: [deed],
      requests: 2,
      differs: option === '' ? {} : usedAgain,
      // How many connections are left: see `spared`.
      unsteady: ['counters e'],
    })),
  ),
  {
    name: 'tcp, all events behind an error',
    mode: 'tcp',
    messages: all(tcpEvents),
    deeds: [close],
    // SPOE.txt 2.2 says of option continue-on-error that there are none without it.
    differs: {
      told: ['1: m0(n=int64:0)\n1: m3(n=int64:3)\n2: m4(n=int64:4)', '1: m0(n=int64:0)'],
      'log e': [
        'EVENT:on-client-session 257\nEVENT:on-server-session 0\nEVENT:on-tcp-response 0',
        'EVENT:on-client-session 257',
      ],
      'counters e': ['0/0 0/0 1/1\n1/1 0/0 1/2\n1/1 0/0 1/3', '0/0 0/0 1/1'],
    },
  },
  { name: 'http, all events behind an error', messages: all(httpEvents), deeds: [close] },
  {
    name: 'http, all events behind an error of the server',
    messages: all(httpEvents),
    deeds: [ok, ok, ok, close],
  },
  {
    name: 'an ACK that is late for one event, while the next one is awaited',
    agent: ['option continue-on-error'],
    messages: {
      m: ['args n=int(1)', onRequest],
      b: ['args n=int(2)', 'event on-backend-http-request'],
    },
    deeds: [after(processing + 150, acts(setVar('v', 7))), nothing],
    differs: {
      'answer 1': ['HTTP/1.1 200 OK | x-v: 7 | x-err: 1 | x-nr: 1', 'HTTP/1.1 200 OK | x-err: 1 | x-nr: 1'],
      told: ['1: m(n=int64:1)\n1: b(n=int64:2)', '1: m(n=int64:1)\n2: b(n=int64:2)'],
      'log e': [
        'EVENT:on-frontend-http-request 1\nEVENT:on-backend-http-request 0',
        'EVENT:on-frontend-http-request 1\nEVENT:on-backend-http-request 1',
      ],
      'counters e': ['1/1 0/0 1/1\n1/1 0/0 1/2', '1/1 0/0 1/1\n2/2 0/0 2/2'],
    },
  },
  {
    name: 'a second event whose answer never comes',
    messages: {
      m: ['args n=int(1)', 'event on-backend-tcp-request'],
      r: ['args n=int(2)', 'event on-http-response'],
    },
    unsteady: ['told'],
    agents: ['timeout server 1s'],
    deeds: [after(100, ok), nothing],
    // HAProxy 2.6 overlooks the time-out of events behind the first, and waits until the connection ends.
    differs: {
      'answer 1': [
        'HTTP/1.1 200 OK | x-v: 1 | x-err: 257 | x-nr: 1',
        'HTTP/1.1 200 OK | x-v: 1 | x-err: 1 | x-nr: 1',
      ],
      'log e': [
        'EVENT:on-backend-tcp-request 0\nEVENT:on-http-response 257',
        'EVENT:on-backend-tcp-request 0\nEVENT:on-http-response 1',
      ],
      'counters e': ['1/1 0/0 0/1\n0/0 0/0 1/2', '1/1 0/0 0/1\n1/1 0/0 1/2'],
    },
  },
  {
    name: 'set-process-time and set-total-time',
    agent: ['option set-process-time pt', 'option set-total-time tt'],
    messages: { m: [onRequest], b: ['event on-backend-http-request'] },
    rules: [
      'http-response set-header X-P "%[var(txn.e.pt),div(100)]"',
      'http-response set-header X-T "%[var(txn.e.tt),div(100)]"',
    ],
    deeds: [after(150, ok), after(150, ok)],
  },
  {
    name: 'dontlog-normal',
    agent: ['option dontlog-normal'],
    messages: { m: [onRequest] },
    deeds: [ok, close],
    requests: 3,
  },
  {
    name: 'maxerrrate',
    agent: ['maxerrrate 1'],
    messages: { m: [onRequest] },
    deeds: [close],
    requests: 3,
  },
  {
    name: 'a message that fits no frame, and may not be cut',
    agent: ['max-frame-size 256', 'no option send-frag-payload'],
    messages: { m: [`args a=str(${'a'.repeat(300)})`, `${onRequest} if { path /2 }`], n: [onRequest] },
    greeting: greets('pipelining', 'f001'),
    requests: 3,
  },
  {
    name: 'times of a slow agent',
    messages: { m: [onRequest] },
    deeds: [after(150, ok), after(250, close), nothing],
    requests: 3,
    floors: [
      [0, 0, 149, 0, 149],
      [0, 0, 249, -1, 249],
      [0, 0, -1, -1, processing - 1],
    ],
  },
  {
    name: 'many at once, one at a time',
    agent: modes['sync']?.agent ?? [],
    greeting: greets(''),
    messages: { m: [onRequest] },
    deeds: [1, 2, 3, 4, 5].map((nr) => after(50 * nr, acts(''))),
    requests: 5,
    together: true,
  },
  {
    name: 'a client that resets while the agent thinks',
    messages: { m: [onRequest] },
    rules: ['log-format "TRAFFIC %ft %ts %ST"'],
    deeds: [after(200, ok)],
    leaves: { how: 'reset', after: 60 },
    // HAProxy does not see it before it reads or writes again.
    differs: {
      'log e': ['EVENT:on-frontend-http-request 0', 'EVENT:on-frontend-http-request 5'],
      traffic: ['TRAFFIC CD 200', 'TRAFFIC CR -1'],
    },
  },
  {
    name: 'a client that ends its side while the agent thinks',
    messages: { m: [onRequest] },
    rules: ['log-format "TRAFFIC %ft %ts %ST"'],
    deeds: [after(200, ok)],
    leaves: { how: 'fin', after: 60 },
  },
  {
    name: 'a tcp client that resets while the agent thinks',
    mode: 'tcp',
    messages: { m: ['event on-frontend-tcp-request'] },
    rules: ['log-format "TRAFFIC %ft %ts"'],
    deeds: [after(200, ok)],
    // The same, and HAProxy says nothing of what was under way.
    differs: {
      'log e': ['', 'EVENT:on-frontend-tcp-request 5'],
      'counters e': ['', '1/1 0/0 0/1'],
    },
    leaves: { how: 'reset', after: 60 },
  },
  {
    name: 'a tcp client that ends its side while the agent thinks',
    mode: 'tcp',
    messages: { m: ['event on-frontend-tcp-request'] },
    rules: ['log-format "TRAFFIC %ft %ts"'],
    deeds: [after(200, ok)],
    leaves: { how: 'fin', after: 60 },
  },
]

export const spoeScenarios: readonly SpoeScenario[] = [
  ...eventScenarios,
  ...valueScenarios,
  ...groupScenarios,
  ...failureScenarios,
  ...farewells,
  ...disconnectScenarios,
  ...helloScenarios,
  ...optionScenarios,
]
