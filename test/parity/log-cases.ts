/** What happens to a connection, and how it is logged: the table of logs.test.ts. */
import { setTimeout as sleep } from 'node:timers/promises'
import { RawClient } from '../proxy/support.ts'
import { wait } from './log-origin.ts'

/** Ports of the other side, for the `server` lines of a case. */
export interface Peers {
  readonly origin: number
  readonly greeter: number
  /** Refuses. */
  readonly dead: number
  /** Neither takes nor refuses. */
  readonly hole: number
}

/** What a client of a case can do. */
export interface Client {
  readonly raw: RawClient
  /** Another client of the same frontend. */
  another(): Client
  send(text: string): void
  /** Waits: 300 ms unless it says otherwise. */
  wait(milliseconds?: number): Promise<void>
  /** Until that text has come; `times` of it. */
  until(text: string, times?: number): Promise<void>
  /** Until the proxy ends the connection. */
  untilEnd(): Promise<void>
  /** Fails when nothing is logged yet. */
  logged(): Promise<void>
  /** Ends its side. */
  end(): void
  /** Closes: the proxy sees an end, and a reset when it sends. */
  leave(): void
  reset(): void
}

/** How the lines are written. */
export type Format = keyof typeof formats

/** One row of the table. */
export interface LogCase {
  readonly name: string
  readonly mode?: 'tcp'
  /** @default 'times', every timer and counter that there is in that mode */
  readonly format?: Format
  /** More lines of `defaults`, of the frontend, of the backend, and its servers (one that answers when there are none). */
  readonly both?: readonly string[]
  readonly front?: readonly string[]
  readonly back?: readonly string[]
  readonly servers?: (peers: Peers) => readonly string[]
  /** No `default_backend`. */
  readonly noBackend?: true
  /** Lines that HAProxy writes. @default 1 */
  readonly lines?: number
  /** Compared with nothing else going on, with the number of connections of the process. */
  readonly alone?: true
  play(client: Client): Promise<void>
}

const timers = 'Ti=%Ti Th=%Th TR=%TR Tq=%Tq Tw=%Tw Tc=%Tc Tr=%Tr Ta=%Ta Td=%Td Tt=%Tt Tu=%Tu'
const counters = 'B=%B U=%U C=%fc/%bc/%sc/%rc Q=%sq/%bq'

/** The `log-format` or the option of each format. */
export const formats = {
  times: `log-format "%ft %b/%s ${timers} %tsc ST=%ST ${counters} %CC %CS %{+Q}r"`,
  tcp: `log-format "%ft %b/%s Th=%Th Tw=%Tw Tc=%Tc Td=%Td Tt=%Tt Tu=%Tu %ts ${counters}"`,
  httplog: 'option httplog',
  tcplog: 'option tcplog',
  clf: 'option httplog clf',
  none: '',
  addresses: 'log-format "%f ci=%ci cp=%cp fi=%fi fp=%fp bi=%bi bp=%bp si=%si sp=%sp b=%b s=%s f=%f ft=%ft"',
  counters:
    'log-format "%f ac=%ac fc=%fc bc=%bc sc=%sc rc=%rc sq=%sq bq=%bq B=%B U=%U ST=%ST ts=%ts tsc=%tsc ID=%ID"',
  dates:
    'log-format "%f t=%t tr=%tr T=%T Tl=%Tl trg=%trg trl=%trl Ts=%Ts ms=%ms pid=%pid rt=%rt lc=%lc B=%B"',
  request: 'log-format "%f HM=%HM HP=%HP HPO=%HPO HQ=%HQ HU=%HU HV=%HV CC=%CC CS=%CS hr=%hr hs=%hs r=%r"',
  quotedRequest:
    'log-format "%f %{+Q}HM %{+Q}HU %{+Q}CC %{+Q}CS %{+Q}hr %{+Q}hs %{+Q}hrl %{+Q}hsl %{+Q}b %{+Q}s %{+Q,+X}ci"',
} as const

const get = (path: string, ...headers: readonly string[]): string =>
  [`GET ${path} HTTP/1.1`, 'Host: a', ...headers, '', ''].join('\r\n')

const post = (path: string, length: number, body = '', ...headers: readonly string[]): string =>
  [`POST ${path} HTTP/1.1`, 'Host: a', `Content-Length: ${length}`, ...headers, '', body].join('\r\n')

/** Asks, waits for the answer, and leaves when it has it. */
const ask =
  (path: string, ...headers: readonly string[]) =>
  async (client: Client): Promise<void> => {
    client.send(get(path, ...headers))
    await client.until('\r\n\r\n')
    await client.wait(20)
  }

/** The same, to the end of the connection. */
const askToEnd = (text: string) => async (client: Client) => {
  client.send(text)
  await client.untilEnd()
}

/** Asks, and leaves 300 ms later. */
const askAndLeave =
  (text: string, how: 'leave' | 'reset' | 'end' = 'leave') =>
  async (client: Client): Promise<void> => {
    client.send(text)
    await client.wait()
    client[how]()
    if (how === 'end') await client.untilEnd()
  }

/** Three requests of one server with `maxconn 1`: the first keeps it busy for 300 ms or, with `/silent`, until it times out. */
const queue =
  (first: string, then: (second: Client) => Promise<void>) =>
  async (client: Client): Promise<void> => {
    client.send(get(first, 'Connection: close'))
    await client.wait(100)
    const second = client.another()
    await then(second)
    await client.untilEnd()
  }

const dead = ({ dead: port }: Peers): readonly string[] => [`server s 127.0.0.1:${port}`]
const hole = ({ hole: port }: Peers): readonly string[] => [`server s 127.0.0.1:${port}`]
const one = ({ origin }: Peers): readonly string[] => [`server s 127.0.0.1:${origin} maxconn 1`]
const deadThenLive = ({ dead: bad, origin }: Peers): readonly string[] => [
  `server d 127.0.0.1:${bad} weight 255`,
  `server s 127.0.0.1:${origin} weight 1`,
]
const holeThenLive = ({ hole: bad, origin }: Peers): readonly string[] => [
  `server h 127.0.0.1:${bad} weight 255`,
  `server s 127.0.0.1:${origin} weight 1`,
]
const spoe = (engine: string): readonly string[] => [`filter spoe engine ${engine} config spoe.conf`]

/** Servers that cannot be connected to, HTTP and TCP alike. @param refused - when none is left. */
const redispatched = (refused: LogCase['play']): LogCase[] => [
  {
    name: 'a server that refuses, and redispatch',
    servers: deadThenLive,
    back: ['retries 1', 'option redispatch', 'balance roundrobin'],
    play: ask('/ok'),
  },
  {
    name: 'a server that does not take the connection, and redispatch',
    servers: holeThenLive,
    back: ['retries 1', 'option redispatch', 'balance roundrobin', 'timeout connect 300ms'],
    play: ask('/ok'),
  },
  {
    name: 'one that refuses to the last, and redispatch',
    servers: dead,
    back: ['retries 2', 'option redispatch', 'timeout connect 300ms'],
    play: refused,
  },
]

const httpCases: readonly LogCase[] = [
  { name: 'a request', play: ask('/ok') },
  ...(['leave', 'reset', 'end'] as const).flatMap((how): LogCase[] => [
    {
      name: `an answer before the end of the request, and the client: ${how}`,
      play: askAndLeave(post('/early', 100, 'abc'), how),
    },
    {
      name: `an answer and the end of the server, before the end of the request, and the client: ${how}`,
      play: async (client) => {
        client.send(post('/early-close', 100, 'abc'))
        await client.wait(600)
        client[how]()
        if (how === 'end') await client.untilEnd()
      },
    },
  ]),
  {
    name: 'an answer before the end of the request, and the client stalls',
    play: askToEnd(post('/early', 100, 'abc')),
  },
  ...[
    { what: 'of a server', play: ask('/ok') },
    { what: 'of the proxy', front: ['http-request deny'], play: askToEnd(get('/')) },
    { what: 'to what is no request', play: askToEnd('no request\r\n\r\n') },
    { what: 'of a server, without a head', play: askToEnd(get('/gone')) },
  ].flatMap(({ what, play, front = [] }): LogCase[] => [
    {
      name: `captured headers of an answer ${what}`,
      format: 'httplog',
      front: [
        'capture response header Content-Length len 5',
        'capture response header Server len 5',
        ...front,
      ],
      play,
    },
  ]),
  {
    name: 'an answer of the proxy whose status a rule changes',
    front: ['http-request deny', 'http-after-response set-status 202'],
    play: askToEnd(get('/')),
  },
  {
    name: 'a tarpit, whose status a rule changes',
    front: ['timeout tarpit 100ms', 'http-request tarpit', 'http-after-response set-status 202'],
    play: askToEnd(get('/')),
  },
  ...['ok', '204', 'cut', 'chunked'].map((path): LogCase => ({
    name: `an answer that waits for an agent while its server resets: ${path}`,
    front: spoe('response'),
    play: askToEnd(get(`/${path}-reset`, 'Connection: close')),
  })),
  { name: 'a server that thinks for 300 ms', play: ask('/wait') },
  {
    name: 'a body that comes 300 ms after its head',
    play: async (client) => {
      client.send(get('/body-later'))
      await client.until('world')
    },
  },
  {
    name: 'a head after 300 ms, a body after 600',
    play: async (client) => {
      client.send(get('/both-later'))
      await client.until('world')
    },
  },
  {
    name: '600 ms of silence, then a request',
    play: async (client) => {
      await client.wait(600)
      await ask('/wait')(client)
    },
  },
  {
    name: 'a second request 300 ms after the first',
    lines: 2,
    play: async (client) => {
      client.send(get('/wait'))
      await client.until('hello')
      await client.wait()
      client.send(get('/wait'))
      await client.until('hello', 2)
    },
  },
  {
    name: 'three requests at once',
    lines: 3,
    play: async (client) => {
      client.send(get('/wait').repeat(3))
      await client.until('hello', 3)
    },
  },
  {
    name: 'three requests, each 300 ms after the last answer, connections to the server closed',
    lines: 3,
    back: ['option http-server-close'],
    play: async (client) => {
      for (let at = 1; at <= 3; at++) {
        client.send(get('/ok'))
        await client.until('hello', at)
        await client.wait()
      }
    },
  },
  {
    name: 'a head in two pieces',
    play: async (client) => {
      client.send('GET /ok HTTP/1.1\r\n')
      await client.wait()
      client.send('Host: a\r\n\r\n')
      await client.until('hello')
    },
  },
  {
    name: 'silence, then a head in two pieces, on a kept connection too',
    lines: 2,
    play: async (client) => {
      for (let at = 1; at <= 2; at++) {
        await client.wait()
        client.send('GET /ok HTTP/1.1\r\n')
        await client.wait()
        client.send('Host: a\r\n\r\n')
        await client.until('hello', at)
      }
    },
  },
  {
    name: 'an empty line, and the request 300 ms later',
    play: async (client) => {
      client.send('\r\n')
      await client.wait()
      await ask('/ok')(client)
    },
  },
  {
    name: 'a body in two pieces',
    play: async (client) => {
      client.send(post('/ok', 10, 'hello'))
      await client.wait()
      client.send('world')
      await client.until('hello')
    },
  },
  {
    name: 'a body in two pieces with http-buffer-request',
    front: ['option http-buffer-request'],
    play: async (client) => {
      client.send(post('/wait', 10, 'hello'))
      await client.wait()
      client.send('world')
      await client.until('hello')
    },
  },
  {
    name: 'a body in two pieces with http-buffer-request of the backend',
    back: ['option http-buffer-request'],
    play: async (client) => {
      client.send(post('/wait', 10, 'hello'))
      await client.wait()
      client.send('world')
      await client.until('hello')
    },
  },
  {
    name: 'a body in two pieces with wait-for-body',
    front: ['http-request wait-for-body time 1s', 'http-request deny unless { req.body -m str helloworld }'],
    play: async (client) => {
      client.send(post('/wait', 10, 'hello'))
      await client.wait()
      client.send('world')
      await client.until('hello')
    },
  },
  {
    name: 'a body of which wait-for-body wants four bytes',
    front: ['http-request wait-for-body at-least 4 time 1s if { method POST }'],
    back: ['http-request deny unless { req.body -m str hello }'],
    play: async (client) => {
      client.send(post('/wait', 10, 'he'))
      await client.wait()
      client.send('llo')
      await client.wait()
      client.send('world')
      await client.until('hello')
    },
  },
  {
    name: 'a body in two chunks',
    play: async (client) => {
      client.send('POST /ok HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
      await client.wait()
      client.send('0\r\n\r\n')
      await client.until('hello')
    },
  },
  {
    name: 'Expect: 100-continue',
    play: async (client) => {
      client.send(post('/ok', 5, '', 'Expect: 100-continue'))
      await client.wait()
      client.send('hello')
      await client.until('hello')
    },
  },
  {
    name: 'Expect: 100-continue with http-buffer-request',
    front: ['option http-buffer-request'],
    play: async (client) => {
      client.send(post('/ok', 5, '', 'Expect: 100-continue'))
      await client.until('100 Continue')
      client.send('hello')
      await client.until('200 ')
    },
  },
  {
    name: 'an answer before the body, which comes later',
    play: async (client) => {
      client.send(post('/early', 10, 'hello'))
      await client.until('hello')
      await client.wait()
      client.send('world')
      await client.wait(100)
    },
  },
  {
    name: 'an answer before the body, which never comes',
    play: async (client) => {
      client.send(post('/early', 10, 'hello'))
      await client.until('hello')
      await client.wait()
      client.leave()
    },
  },
  {
    name: 'an answer and the end before the body',
    play: async (client) => {
      client.send(post('/early-close', 10, 'hello'))
      await client.until('hello')
      await client.wait()
      client.leave()
    },
  },

  // Clients that leave before there is a request.
  { name: 'no byte, and an end', play: async (client) => client.leave() },
  { name: 'no byte, and a reset', play: async (client) => client.reset() },
  {
    name: 'no byte, and an end after 300 ms',
    play: async (client) => {
      await client.wait()
      client.leave()
    },
  },
  {
    name: 'no byte, and an end, with dontlognull',
    front: ['option dontlognull'],
    lines: 0,
    play: async (client) => client.leave(),
  },
  { name: 'half a head, and an end', play: askAndLeave('GET /ok HTTP/1.1\r\nHo') },
  {
    name: 'half a head, and an end, with dontlognull',
    front: ['option dontlognull'],
    play: askAndLeave('GET /ok HTTP/1.1\r\nHo'),
  },
  { name: 'half a head, and half an end', play: askAndLeave('GET /ok HTTP/1.1\r\nHo', 'end') },
  { name: 'half a head, and a reset', play: askAndLeave('GET /ok HTTP/1.1\r\nHo', 'reset') },
  {
    name: 'half a head of the second request, and an end',
    lines: 2,
    play: async (client) => {
      client.send(get('/ok'))
      await client.until('hello')
      await askAndLeave('GET /ok HT')(client)
    },
  },
  {
    name: 'half a head of the second request, and an end, with dontlognull',
    lines: 2,
    front: ['option dontlognull'],
    play: async (client) => {
      client.send(get('/ok'))
      await client.until('hello')
      await askAndLeave('GET /ok HT')(client)
    },
  },
  {
    name: 'a kept connection that times out',
    play: askToEnd(get('/ok')),
  },
  {
    name: 'half a head, and silence',
    front: ['timeout http-request 300ms'],
    play: askToEnd('GET /ok HTTP/1.1\r\nHo'),
  },
  {
    name: 'half a head, and silence, with dontlognull',
    front: ['timeout http-request 300ms', 'option dontlognull'],
    play: askToEnd('GET /ok HTTP/1.1\r\nHo'),
  },
  {
    name: 'half a head of the second request, and silence',
    front: ['timeout http-request 300ms'],
    lines: 2,
    play: async (client) => {
      client.send(get('/ok'))
      await client.until('hello')
      await client.wait()
      await askToEnd('GET /ok HT')(client)
    },
  },
  { name: 'silence until the time-out', front: ['timeout http-request 300ms'], play: askToEnd('') },
  {
    name: 'silence until the time-out, with dontlognull',
    front: ['timeout http-request 300ms', 'option dontlognull'],
    lines: 0,
    play: askToEnd(''),
  },
  {
    name: 'silence until the time-out of the client',
    front: ['timeout client 300ms'],
    play: askToEnd(''),
  },
  { name: 'a malformed head', play: askToEnd('GET /\x01 HTTP/1.1\r\n\r\n') },
  {
    name: 'a malformed head 300 ms after its beginning',
    play: async (client) => {
      client.send('GET /ok HTTP/1.1\r\n')
      await client.wait()
      await askToEnd('A b: c\r\n\r\n')(client)
    },
  },
  {
    name: 'a malformed second head',
    lines: 2,
    play: async (client) => {
      client.send(get('/ok'))
      await client.until('hello')
      await client.wait()
      await askToEnd('GET /ok HTTP/1.1\r\nA b: c\r\n\r\n')(client)
    },
  },
  { name: 'no HTTP at all', play: askToEnd('hello\r\n\r\n') },

  // Clients that leave later.
  { name: 'a client that leaves while the server thinks', play: askAndLeave(get('/drip')) },
  {
    name: 'a client that leaves while the server thinks, with abortonclose of the backend alone',
    back: ['option abortonclose'],
    play: askAndLeave(get('/silent')),
  },
  {
    name: 'a client that leaves while the server thinks, with abortonclose',
    both: ['option abortonclose'],
    play: askAndLeave(get('/silent')),
  },
  {
    name: 'a client that leaves while the server is silent, without abortonclose',
    play: askAndLeave(get('/silent')),
  },
  {
    name: 'a client that ends its side while the server thinks',
    play: async (client) => {
      client.send(get('/wait'))
      client.end()
      await client.untilEnd()
    },
  },
  {
    name: 'a client that ends its side while the server thinks, with abortonclose',
    both: ['option abortonclose'],
    play: async (client) => {
      client.send(get('/both-later'))
      await client.wait(100)
      client.end()
      await client.untilEnd()
    },
  },
  { name: 'a client that resets while the server is silent', play: askAndLeave(get('/silent'), 'reset') },
  {
    name: 'a client that leaves in the body of the answer',
    play: async (client) => {
      client.send(get('/drip'))
      await client.until('0123456789')
      client.leave()
    },
  },
  {
    name: 'a client that resets in the body of the answer',
    play: async (client) => {
      client.send(get('/drip'))
      await client.until('0123456789')
      client.reset()
    },
  },
  { name: 'a client that leaves in its body', play: askAndLeave(post('/ok', 10, 'hello')) },
  { name: 'a client that resets in its body', play: askAndLeave(post('/ok', 10, 'hello'), 'reset') },
  {
    name: 'a client that leaves in its body, with http-buffer-request',
    front: ['option http-buffer-request'],
    play: askAndLeave(post('/ok', 10, 'hello')),
  },
  {
    name: 'a client that stalls in its body, with http-buffer-request',
    front: ['option http-buffer-request', 'timeout http-request 300ms'],
    play: askToEnd(post('/ok', 10, 'hello')),
  },
  ...['front', 'back'].map((side) => ({
    name: `a client that stalls in its body, with wait-for-body of the ${side}end`,
    [side]: ['http-request wait-for-body time 300ms'],
    play: askToEnd(post('/ok', 10, 'hello')),
  })),
  {
    name: 'a client that stalls in its body, with wait-for-body and timeout client',
    front: ['timeout client 300ms', 'http-request wait-for-body time 0'],
    play: askToEnd(post('/ok', 10, 'hello')),
  },
  {
    name: 'a client that sends its body slowly, with http-buffer-request and no other timeout than that of the client',
    front: ['timeout client 400ms', 'option http-buffer-request'],
    play: async (client) => {
      client.send(post('/wait', 4, 'a'))
      for (const byte of 'bcd') {
        await sleep(250)
        client.send(byte)
      }
      await client.until('hello')
    },
  },
  {
    name: 'a head that comes late, and a body later, with http-buffer-request',
    front: ['option http-buffer-request', 'timeout http-request 500ms'],
    play: async (client) => {
      const request = post('/wait', 10, 'hello')
      client.send(request.slice(0, 20))
      await sleep(300)
      client.send(request.slice(20))
      await sleep(300)
      client.send('world')
      await client.until('hello')
    },
  },
  {
    name: 'a client that stalls in its body',
    front: ['timeout client 300ms'],
    play: askToEnd(post('/ok', 10, 'hello')),
  },
  {
    name: 'a client that does not read',
    front: ['timeout client 300ms'],
    play: async (client) => {
      client.raw.socket.pause()
      client.send(get('/big'))
      await client.wait(800)
    },
  },

  // Servers.
  { name: 'a server that refuses', servers: dead, back: ['retries 0'], play: askToEnd(get('/ok')) },
  {
    name: 'a server that refuses twice',
    servers: dead,
    back: ['retries 1'],
    play: ask('/ok'),
  },
  ...redispatched(ask('/ok')),
  {
    name: 'a server that does not take the connection',
    servers: hole,
    back: ['retries 0', 'timeout connect 300ms'],
    play: ask('/ok'),
  },
  {
    name: 'a server that does not take the connection twice',
    servers: hole,
    back: ['retries 1', 'timeout connect 300ms'],
    play: ask('/ok'),
  },
  {
    name: 'a client that leaves while the server is connected to',
    servers: hole,
    back: ['retries 0', 'timeout connect 900ms'],
    play: askAndLeave(get('/ok')),
  },
  {
    name: 'a client that leaves while the server is connected to, with abortonclose',
    servers: hole,
    both: ['option abortonclose'],
    back: ['retries 0', 'timeout connect 900ms'],
    play: askAndLeave(get('/ok')),
  },
  {
    name: 'no server that is up',
    servers: ({ origin }) => [`server s 127.0.0.1:${origin} disabled`],
    play: ask('/ok'),
  },
  { name: 'a backend without servers', servers: () => [], play: ask('/ok') },
  { name: 'no backend', noBackend: true, play: ask('/ok') },
  {
    name: 'a wait in the queue',
    servers: one,
    lines: 2,
    play: queue('/both-later', async (second) => {
      second.send(get('/ok'))
      await second.until('hello')
    }),
  },
  {
    name: 'a queue that times out',
    servers: one,
    back: ['timeout queue 300ms'],
    lines: 2,
    play: queue('/drip', async (second) => {
      second.send(get('/ok'))
      await second.until('\r\n\r\n')
    }),
  },
  {
    name: 'a client that leaves the queue',
    servers: one,
    lines: 2,
    play: queue('/drip', askAndLeave(get('/ok'))),
  },
  {
    name: 'a client that leaves the queue, with abortonclose',
    servers: one,
    both: ['option abortonclose'],
    lines: 2,
    play: queue('/drip', askAndLeave(get('/ok'))),
  },
  {
    name: 'a client that resets in the queue',
    servers: one,
    lines: 2,
    play: queue('/drip', askAndLeave(get('/ok'), 'reset')),
  },
  { name: 'a server that is silent', back: ['timeout server 300ms'], play: ask('/silent') },
  {
    name: 'a server that is silent for an upload',
    back: ['timeout server 300ms'],
    play: async (client) => {
      client.send(post('/silent', 5, 'hello'))
      await client.until('\r\n\r\n')
    },
  },
  {
    name: 'a server that stalls in its body',
    back: ['timeout server 300ms'],
    play: askToEnd(get('/stall')),
  },
  { name: 'a server that breaks off in its head', play: ask('/cut-head') },
  { name: 'a server that breaks off in its body', play: askToEnd(get('/cut-body')) },
  { name: 'a server that breaks off in its chunks', play: askToEnd(get('/chunked-cut')) },
  { name: 'a server that leaves without an answer', play: ask('/gone') },
  { name: 'a server that resets without an answer', play: ask('/reset') },
  { name: 'a server that resets in its body', play: askToEnd(get('/reset-body')) },
  { name: 'an answer that is not HTTP', play: ask('/garbage') },
  { name: 'an answer with a malformed header', play: ask('/bad-header') },

  // Forms of answers.
  {
    name: 'an answer after early hints',
    play: async (client) => {
      client.send(get('/hints'))
      await client.until('hello')
    },
  },
  { name: 'an answer in chunks', play: ask('/chunked') },
  {
    name: 'an answer in chunks, 300 ms between them',
    play: async (client) => {
      client.send(get('/chunked-later'))
      await client.until('0\r\n\r\n')
    },
  },
  { name: 'an answer until close', play: askToEnd(get('/until-close')) },
  { name: 'an answer of HTTP/1.0', play: askToEnd(get('/http10')) },
  { name: 'an answer with Connection: close', play: ask('/connection-close') },
  { name: 'a request of HTTP/1.0', play: askToEnd('GET /wait HTTP/1.0\r\n\r\n') },
  { name: 'a request of HTTP/1.0, answered in chunks', play: askToEnd('GET /chunked HTTP/1.0\r\n\r\n') },
  { name: 'Connection: close', play: askToEnd(get('/wait', 'Connection: close')) },
  { name: 'option httpclose', front: ['option httpclose'], play: askToEnd(get('/wait')) },
  { name: '204', play: ask('/204') },
  { name: '304', play: ask('/304') },
  { name: 'HEAD', play: askToEnd('HEAD /ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n') },
  {
    name: 'a tunnel, 300 ms silent at each end',
    play: async (client) => {
      client.send(get('/tunnel', 'Connection: Upgrade', 'Upgrade: foo'))
      await client.until('101')
      await client.wait()
      client.send('abc')
      await client.until('echo')
      await client.wait()
      client.leave()
    },
  },
  {
    name: 'a tunnel of CONNECT',
    play: async (client) => {
      client.send('CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n')
      await client.until('200')
      await client.wait()
      client.send('abc')
      await client.until('echo')
      client.end()
      await client.untilEnd()
    },
  },
  {
    name: 'a tunnel that times out',
    back: ['timeout tunnel 300ms'],
    play: async (client) => {
      client.send(get('/tunnel', 'Connection: Upgrade', 'Upgrade: foo'))
      await client.untilEnd()
    },
  },

  // Bodies and answers that go wrong in the middle, and what rules make of them.
  {
    name: 'a chunk with a malformed size',
    play: askToEnd('POST /ok HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n'),
  },
  {
    name: 'a chunk with a malformed size, 300 ms later',
    play: async (client) => {
      client.send('POST /ok HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
      await client.wait()
      await askToEnd('zz\r\n')(client)
    },
  },
  {
    name: 'a chunk with a malformed size, with http-buffer-request',
    front: ['option http-buffer-request'],
    play: async (client) => {
      client.send('POST /ok HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
      await client.wait()
      await askToEnd('zz\r\n')(client)
    },
  },
  {
    name: 'deny of an answer whose body comes later',
    back: ['http-response deny'],
    play: ask('/body-later'),
  },
  {
    name: 'deny of an answer in chunks that come later',
    back: ['http-response deny'],
    play: ask('/chunked-later'),
  },
  {
    name: 'another status for the answer',
    back: ['http-response set-status 404'],
    play: ask('/wait'),
  },
  {
    name: 'a switch that only a rule has made',
    back: ['http-response set-status 101'],
    play: ask('/ok'),
  },
  {
    name: 'return in place of an answer',
    back: ['http-response return status 202 content-type text/plain string "hello"'],
    play: ask('/wait'),
  },
  {
    name: 'a header of every answer, also of that of a rule',
    front: ['http-after-response set-header x-a b', 'http-request deny'],
    play: ask('/ok'),
  },
  {
    name: 'another status for the answer of a rule',
    front: ['http-after-response set-status 200', 'http-request deny'],
    play: ask('/ok'),
  },
  {
    name: 'HEAD, answered by a rule',
    front: ['http-request return status 200 content-type text/plain string "hello"'],
    play: askToEnd('HEAD /ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'),
  },
  { name: 'monitor-uri', front: ['monitor-uri /ok'], lines: 0, play: ask('/ok') },
  {
    name: 'monitor-uri of an absolute target',
    front: ['monitor-uri /ok'],
    lines: 0,
    play: ask('http://a/ok'),
  },
  { name: 'monitor-uri of another path', front: ['monitor-uri /ok'], play: ask('/ok?a') },
  {
    name: 'early hints of a rule',
    front: ['http-request early-hint Link "</a>"'],
    play: async (client) => {
      client.send(get('/wait'))
      await client.until('hello')
    },
  },
  {
    name: 'early hints after 300 ms',
    play: async (client) => {
      client.send(get('/late-hints'))
      await client.until('hello')
    },
  },
  {
    name: 'early hints for a client of HTTP/1.0',
    play: askToEnd('GET /hints HTTP/1.0\r\n\r\n'),
  },
  {
    name: 'an agent, and an answer with a body that comes meanwhile',
    front: spoe('response'),
    play: async (client) => {
      client.send(get('/chunked-later'))
      await client.until('0\r\n\r\n')
    },
  },
  {
    name: 'an agent, and a server that leaves behind its whole answer',
    front: spoe('response'),
    play: ask('/connection-close'),
  },
  {
    name: 'an agent, and a server that breaks off meanwhile',
    front: spoe('response'),
    play: async (client) => {
      client.send(get('/cut-soon'))
      await client.until('\r\n\r\n')
    },
  },
  {
    name: 'an agent, and an answer until close that comes meanwhile',
    front: spoe('response'),
    play: askToEnd(get('/until-close')),
  },
  {
    name: 'a client that leaves while the agent thinks about an answer',
    front: spoe('response'),
    play: async (client) => {
      client.send(get('/ok'))
      await client.wait(150)
      client.leave()
    },
  },
  {
    name: 'a server that switches without having been asked',
    play: ask('/tunnel'),
  },
  {
    name: 'a tunnel that the server ends',
    play: async (client) => {
      client.send(get('/tunnel', 'Connection: Upgrade', 'Upgrade: foo'))
      await client.until('101')
      await client.wait()
      client.send('end')
      await client.untilEnd()
    },
  },
  {
    name: 'a tunnel that the client ends by half',
    play: async (client) => {
      client.send(get('/tunnel', 'Connection: Upgrade', 'Upgrade: foo'))
      await client.until('101')
      client.send('abc')
      await client.until('echo')
      client.end()
      await client.untilEnd()
    },
  },
  {
    name: 'a tunnel whose client resets',
    play: async (client) => {
      client.send(get('/tunnel', 'Connection: Upgrade', 'Upgrade: foo'))
      await client.until('101')
      client.send('abc')
      await client.until('echo')
      client.reset()
    },
  },
  {
    name: 'a tunnel whose server resets',
    play: async (client) => {
      client.send(get('/tunnel', 'Connection: Upgrade', 'Upgrade: foo'))
      await client.until('101')
      client.send('reset')
      await client.untilEnd()
    },
  },
  {
    name: 'a tunnel that times out, timeout tunnel of both sections',
    both: ['timeout tunnel 300ms'],
    play: async (client) => {
      client.send(get('/tunnel', 'Connection: Upgrade', 'Upgrade: foo'))
      await client.untilEnd()
    },
  },
  {
    name: 'a kept connection that ends under the second request',
    lines: 2,
    play: async (client) => {
      client.send(get('/ok'))
      await client.until('hello')
      await client.wait(50)
      client.send(get('/second-gone'))
      await client.untilEnd()
    },
  },
  {
    name: 'a client that ends its side in its body',
    play: askAndLeave(post('/ok', 10, 'hello'), 'end'),
  },
  {
    name: 'a client that ends its side in its body, with http-buffer-request',
    front: ['option http-buffer-request'],
    play: askAndLeave(post('/ok', 10, 'hello'), 'end'),
  },
  {
    name: 'a client that leaves in its body, behind an answer that came before it',
    play: async (client) => {
      client.send(post('/early', 10, 'hello'))
      await client.until('hello')
      client.end()
      await client.untilEnd()
    },
  },
  {
    name: 'deny of a request whose body is larger than a buffer',
    front: ['http-request deny'],
    play: async (client) => {
      client.send(post('/ok', 100_000, 'hello'))
      await client.untilEnd()
    },
  },

  // Rules.
  { name: 'deny', front: ['http-request deny'], play: ask('/ok') },
  {
    name: 'deny after 300 ms of silence, of a body that has not come',
    front: ['http-request deny'],
    play: async (client) => {
      await client.wait()
      client.send(post('/ok', 10, 'hello'))
      await client.until('\r\n\r\n')
      await client.wait()
      client.leave()
    },
  },
  { name: 'deny of the backend', back: ['http-request deny'], play: ask('/ok') },
  { name: 'tarpit', front: ['timeout tarpit 300ms', 'http-request tarpit'], play: ask('/ok') },
  {
    name: 'a client that leaves the tarpit',
    front: ['timeout tarpit 900ms', 'http-request tarpit'],
    play: askAndLeave(get('/ok')),
  },
  { name: 'redirect', front: ['http-request redirect location /a'], play: ask('/ok') },
  { name: 'return', front: ['http-request return status 200'], play: ask('/ok') },
  {
    name: 'two answers of rules on one connection',
    front: ['http-request return status 200 content-type text/plain string "hello"'],
    lines: 2,
    play: async (client) => {
      client.send(get('/ok'))
      await client.until('hello')
      await client.wait()
      client.send(get('/ok'))
      await client.until('hello', 2)
    },
  },
  { name: 'reject', front: ['http-request reject'], play: askToEnd(get('/ok')) },
  {
    name: 'deny of the answer',
    back: ['http-response deny'],
    play: ask('/wait'),
  },
  {
    name: 'reject at the connection',
    front: ['tcp-request connection reject'],
    lines: 0,
    play: askToEnd(''),
  },
  { name: 'reject at the session', front: ['tcp-request session reject'], lines: 0, play: askToEnd('') },
  {
    name: 'reject of the content',
    front: ['tcp-request content reject'],
    play: askToEnd(get('/ok')),
  },
  {
    name: 'content that is inspected for 300 ms',
    front: ['tcp-request inspect-delay 300ms', 'tcp-request content reject if { req.len gt 1000 }'],
    play: ask('/ok'),
  },

  // Agents.
  { name: 'an agent that thinks for 300 ms about a request', front: spoe('request'), play: ask('/wait') },
  {
    name: 'an agent that thinks about the second request, too',
    front: spoe('request'),
    lines: 2,
    play: async (client) => {
      client.send(get('/ok'))
      await client.until('hello')
      await client.wait()
      client.send(get('/wait'))
      await client.until('hello', 2)
    },
  },
  { name: 'an agent of the backend that thinks about a request', back: spoe('backend'), play: ask('/ok') },
  { name: 'an agent that thinks for 300 ms about an answer', front: spoe('response'), play: ask('/wait') },
  { name: 'agents that think about both', front: spoe('both'), play: ask('/wait') },
  { name: 'an agent that thinks about a client', front: spoe('session'), play: ask('/ok') },
  {
    name: 'an agent that takes too long',
    front: spoe('slow'),
    play: ask('/ok'),
  },
  {
    name: 'an agent, then deny',
    front: [...spoe('request'), 'http-request deny if { var(txn.request.seen) -m found }'],
    play: ask('/ok'),
  },
  {
    name: 'a client that leaves while the agent thinks',
    front: spoe('slower'),
    play: async (client) => {
      client.send(get('/wait'))
      await client.wait(200)
      client.leave()
    },
  },
  {
    name: 'a client that leaves while the agent thinks, with abortonclose',
    front: spoe('slower'),
    both: ['option abortonclose'],
    play: async (client) => {
      client.send(get('/wait'))
      await client.wait(200)
      client.leave()
    },
  },
  {
    name: 'a body in two pieces, buffered, then an agent',
    front: ['option http-buffer-request', ...spoe('request')],
    play: async (client) => {
      client.send(post('/wait', 10, 'hello'))
      await client.wait()
      client.send('world')
      await client.until('hello')
    },
  },

  // Formats.
  { name: 'httplog', format: 'httplog', play: ask('/wait') },
  { name: 'httplog of a malformed head', format: 'httplog', play: askToEnd('GET /\x01 HTTP/1.1\r\n\r\n') },
  {
    name: 'httplog of a client that leaves at once',
    format: 'httplog',
    play: async (client) => client.leave(),
  },
  { name: 'httplog of deny', format: 'httplog', front: ['http-request deny'], play: ask('/ok') },
  {
    name: 'httplog of silence and a request',
    format: 'httplog',
    play: async (client) => {
      await client.wait(600)
      await ask('/body-later')(client)
    },
  },
  { name: 'httplog of odd characters', format: 'httplog', play: ask('/a"b\\{}|[]%20?c=d') },
  { name: 'clf', format: 'clf', play: ask('/wait') },
  { name: 'clf of a malformed head', format: 'clf', play: askToEnd('GET /\x01 HTTP/1.1\r\n\r\n') },
  { name: 'tcplog in HTTP mode', format: 'tcplog', play: ask('/wait') },
  { name: 'no format', format: 'none', play: ask('/wait') },
  {
    name: 'no format, two requests',
    format: 'none',
    lines: 2,
    play: async (client) => {
      client.send(get('/ok').repeat(2))
      await client.until('hello', 2)
    },
  },
  { name: 'no format, no byte', format: 'none', lines: 0, play: askAndLeave('') },
  {
    name: 'no format, the line comes before the answer',
    format: 'none',
    play: async (client) => {
      client.send(get('/wait'))
      await client.wait(150)
      await client.logged()
      await client.until('hello')
    },
  },
  {
    name: 'no format, the second request behind silence',
    format: 'none',
    lines: 2,
    play: async (client) => {
      client.send(get('/ok'))
      await client.until('hello')
      await client.wait()
      client.send(get('/ok'))
      await client.until('hello', 2)
    },
  },
  { name: 'no format, half a head', format: 'none', lines: 0, play: askAndLeave('GET /') },
  {
    name: 'no format, a malformed head',
    format: 'none',
    lines: 0,
    play: askToEnd('GET /\x01 HTTP/1.1\r\n\r\n'),
  },
  { name: 'no format, deny', format: 'none', front: ['http-request deny'], play: ask('/ok') },
  {
    name: 'log global twice',
    format: 'none',
    front: ['log global', 'log global'],
    lines: 2,
    play: ask('/ok'),
  },
  { name: 'addresses', format: 'addresses', play: ask('/wait') },
  { name: 'addresses without a server', format: 'addresses', front: ['http-request deny'], play: ask('/ok') },
  {
    name: 'addresses of a server that refuses',
    format: 'addresses',
    servers: dead,
    back: ['retries 0'],
    play: ask('/ok'),
  },
  {
    name: 'counters',
    format: 'counters',
    front: ['unique-id-format "%[str(id)]-%ci"'],
    alone: true,
    play: ask('/wait'),
  },
  {
    name: 'counters of two clients at a time',
    format: 'counters',
    alone: true,
    lines: 2,
    play: async (client) => {
      const second = client.another()
      client.send(get('/wait'))
      await client.wait(100)
      second.send(get('/wait'))
      await client.until('hello')
      await second.until('hello')
    },
  },
  {
    name: 'counters of a queue',
    format: 'counters',
    alone: true,
    servers: one,
    lines: 3,
    play: async (client) => {
      const clients = [client, client.another(), client.another()]
      for (const each of clients) {
        each.send(get('/wait', 'Connection: close'))
        await each.wait(50)
      }
      for (const each of clients) await each.until('hello')
    },
  },
  {
    name: 'dates',
    format: 'dates',
    lines: 2,
    play: async (client) => {
      await client.wait()
      client.send(get('/wait'))
      await client.until('hello')
      await client.wait()
      client.send(get('/ok'))
      await client.until('hello', 2)
    },
  },
  { name: 'requests', format: 'request', play: ask('/a/b?c=d') },
  { name: 'requests of an absolute target', format: 'request', play: ask('http://a/b?c') },
  { name: 'requests that are malformed', format: 'request', play: askToEnd('GET /\x01 HTTP/1.1\r\n\r\n') },
  { name: 'quoted', format: 'quotedRequest', play: ask('/a/b?c=d') },
]

const tcpCases: readonly LogCase[] = [
  { name: 'an exchange', play: ask('/ok') },
  {
    name: '300 ms of silence, 300 ms for an answer, 300 ms until the client leaves',
    play: async (client) => {
      await client.wait()
      client.send(get('/wait'))
      await client.until('hello')
      await client.wait()
      client.leave()
    },
  },
  { name: 'a server that closes', play: askToEnd(get('/until-close')) },
  {
    name: 'a server that speaks first',
    servers: ({ greeter }) => [`server s 127.0.0.1:${greeter}`],
    play: async (client) => {
      await client.until('hello')
      client.send('abc')
      await client.untilEnd()
    },
  },
  {
    name: 'a client that ends its side, and an answer 300 ms later',
    play: async (client) => {
      client.send(get('/wait'))
      client.end()
      await client.untilEnd()
    },
  },
  { name: 'no byte, and an end', play: async (client) => client.leave() },
  { name: 'no byte, and an end after 300 ms', play: askAndLeave('') },
  {
    name: 'no byte, and an end, with dontlognull',
    front: ['option dontlognull'],
    lines: 0,
    play: askAndLeave(''),
  },
  {
    name: 'no byte, and an end, with dontlognull and a greeting',
    front: ['option dontlognull'],
    lines: 0,
    servers: ({ greeter }) => [`server s 127.0.0.1:${greeter}`],
    play: async (client) => {
      await client.until('hello')
      client.leave()
    },
  },
  { name: 'a client that leaves', play: askAndLeave(get('/silent')) },
  { name: 'a client that resets', play: askAndLeave(get('/silent'), 'reset') },
  { name: 'a client that resets while bytes come', play: askAndLeave(get('/drip'), 'reset') },
  { name: 'a server that resets', play: askToEnd(get('/reset')) },
  { name: 'a server that resets after bytes', play: askToEnd(get('/reset-body')) },
  {
    name: 'a client that is silent for too long',
    front: ['timeout client 300ms'],
    play: askToEnd(''),
  },
  {
    name: 'a server that is silent for too long',
    back: ['timeout server 300ms'],
    play: askToEnd(get('/silent')),
  },
  {
    name: 'both are silent for too long, after bytes',
    front: ['timeout client 600ms'],
    back: ['timeout server 300ms'],
    play: askToEnd(get('/stall')),
  },
  { name: 'a server that refuses', servers: dead, back: ['retries 0'], play: askToEnd('') },
  { name: 'a server that refuses twice', servers: dead, back: ['retries 1'], play: askToEnd('abc') },
  ...redispatched(askToEnd('abc')),
  {
    name: 'a server that does not take the connection',
    servers: hole,
    back: ['retries 0', 'timeout connect 300ms'],
    play: askToEnd('abc'),
  },
  {
    name: 'a client that leaves while the server is connected to',
    servers: hole,
    back: ['retries 0', 'timeout connect 900ms'],
    play: askAndLeave('abc'),
  },
  {
    name: 'a client that resets while the server is connected to',
    servers: hole,
    back: ['retries 0', 'timeout connect 900ms'],
    play: askAndLeave('abc', 'reset'),
  },
  {
    name: 'no server that is up',
    servers: ({ origin }) => [`server s 127.0.0.1:${origin} disabled`],
    play: askToEnd('abc'),
  },
  // Without a byte: whether HAProxy sees one that comes right behind the connection is up to the machine.
  { name: 'no backend', noBackend: true, play: askToEnd('') },
  {
    name: 'a wait in the queue',
    servers: one,
    lines: 2,
    play: async (client) => {
      client.send(get('/wait'))
      await client.wait(100)
      const second = client.another()
      second.send(get('/ok'))
      await client.until('hello')
      client.leave()
      await second.until('hello')
    },
  },
  {
    name: 'a queue that times out',
    servers: one,
    back: ['timeout queue 300ms'],
    lines: 2,
    play: async (client) => {
      client.send(get('/ok'))
      await client.until('hello')
      const second = client.another()
      second.send(get('/ok'))
      await second.untilEnd()
    },
  },
  {
    name: 'a client that leaves the queue',
    servers: one,
    lines: 2,
    play: async (client) => {
      client.send(get('/ok'))
      await client.until('hello')
      const second = client.another()
      await askAndLeave(get('/ok'))(second)
      await client.wait(200)
    },
  },
  {
    name: 'reject of the content',
    front: ['tcp-request inspect-delay 300ms', 'tcp-request content reject if { req.len gt 1 }'],
    play: askToEnd('abc'),
  },
  {
    name: 'reject of the content 300 ms later',
    front: ['tcp-request inspect-delay 900ms', 'tcp-request content reject if { req.len gt 1 }'],
    play: async (client) => {
      await client.wait()
      await askToEnd('abc')(client)
    },
  },
  {
    name: 'content that is inspected to the end of the delay',
    front: ['tcp-request inspect-delay 300ms', 'tcp-request content reject if { req.len gt 1000 }'],
    play: async (client) => {
      client.send(get('/wait'))
      await client.until('hello')
    },
  },
  {
    name: 'a client that leaves while its content is inspected',
    front: ['tcp-request inspect-delay 900ms', 'tcp-request content reject if { req.len gt 1000 }'],
    play: askAndLeave('abc'),
  },
  {
    name: 'reject at the connection',
    front: ['tcp-request connection reject'],
    lines: 0,
    play: askToEnd(''),
  },
  {
    name: 'silence after bytes in both directions: timeout tunnel',
    front: ['timeout client 300ms'],
    back: ['timeout server 300ms', 'timeout tunnel 600ms'],
    play: askToEnd(get('/ok')),
  },
  {
    name: 'silence after bytes in both directions: timeout tunnel of both sections',
    both: ['timeout client 300ms', 'timeout server 300ms', 'timeout tunnel 600ms'],
    play: askToEnd(get('/ok')),
  },
  {
    name: 'a client that has ended its side, and silence: timeout server-fin',
    back: ['timeout server-fin 300ms'],
    play: async (client) => {
      client.send(get('/silent'))
      client.end()
      await client.untilEnd()
    },
  },
  {
    name: 'a server that has ended its side, and silence: timeout client-fin',
    front: ['timeout client-fin 300ms'],
    play: async (client) => {
      client.send(get('/until-close'))
      await client.untilEnd()
      await client.wait(600)
    },
  },
  {
    name: 'a server that has ended its side, and a client that leaves 300 ms later',
    play: async (client) => {
      client.send(get('/until-close'))
      await client.untilEnd()
      await client.wait()
      client.leave()
    },
  },
  {
    name: 'a server that has ended its side, and a client that resets 300 ms later',
    play: async (client) => {
      client.send(get('/until-close'))
      await client.untilEnd()
      await client.wait()
      client.reset()
    },
  },
  {
    name: 'a client that does not read',
    front: ['timeout client 300ms'],
    play: async (client) => {
      client.raw.socket.pause()
      client.send(get('/big'))
      await client.wait(800)
    },
  },
  {
    name: 'reject of what the server says',
    back: ['tcp-response inspect-delay 900ms', 'tcp-response content reject if { res.len gt 1 }'],
    play: askToEnd(get('/wait')),
  },
  {
    name: 'what the server says is inspected to the end of the delay',
    back: ['tcp-response inspect-delay 300ms', 'tcp-response content reject if { res.len gt 1000 }'],
    play: async (client) => {
      client.send(get('/ok'))
      await client.until('hello')
    },
  },
  {
    name: 'a server that ends its side while what it says is inspected',
    back: ['tcp-response inspect-delay 900ms', 'tcp-response content reject if { res.len gt 1000 }'],
    play: askToEnd(get('/connection-close')),
  },
  {
    name: 'a client that ends its side while its content is inspected',
    front: ['tcp-request inspect-delay 900ms', 'tcp-request content reject if { req.len gt 1000 }'],
    play: async (client) => {
      client.send(get('/ok'))
      await client.wait()
      client.end()
      await client.until('hello')
    },
  },
  {
    name: 'a client that ends its side while the server is connected to',
    servers: hole,
    back: ['retries 0', 'timeout connect 600ms'],
    play: async (client) => {
      client.send('abc')
      await client.wait()
      client.end()
      await client.untilEnd()
    },
  },
  { name: 'an agent that thinks for 300 ms', front: spoe('tcp'), play: ask('/wait') },
  {
    name: 'a client that leaves while the agent thinks',
    front: spoe('tcpslower'),
    play: async (client) => {
      client.send('abc')
      await client.wait(200)
      client.leave()
    },
  },
  { name: 'tcplog', format: 'tcplog', play: ask('/wait') },
  { name: 'tcplog of no byte', format: 'tcplog', play: askAndLeave('') },
  {
    name: 'tcplog of a server that refuses',
    format: 'tcplog',
    servers: dead,
    back: ['retries 0'],
    play: askToEnd(''),
  },
  { name: 'no format', format: 'none', play: ask('/wait') },
  { name: 'no format, no byte', format: 'none', play: askAndLeave('') },
  {
    name: 'no format, no byte, with dontlognull',
    format: 'none',
    front: ['option dontlognull'],
    play: askAndLeave(''),
  },
  {
    name: 'no format, the line comes before the end',
    format: 'none',
    play: async (client) => {
      await client.wait(150)
      await client.logged()
    },
  },
  {
    name: 'no format, a server that refuses',
    format: 'none',
    servers: dead,
    back: ['retries 0'],
    play: askToEnd(''),
  },
  {
    name: 'no format, reject of the content',
    format: 'none',
    front: ['tcp-request content reject'],
    play: askToEnd('abc'),
  },
]

/** All of them. */
export const cases: readonly LogCase[] = [
  ...httpCases,
  ...tcpCases.map((each): LogCase => ({ ...each, mode: 'tcp', name: `TCP: ${each.name}` })),
]

/** A client of a frontend; `all` remembers those that are to be closed, `isLogged` says whether there is a line. */
export function createClient(
  to: { readonly host: string; readonly port: number },
  all: RawClient[],
  isLogged: () => boolean,
): Client {
  const raw = new RawClient(to.port, to.host)
  all.push(raw)
  return {
    raw,
    another: () => createClient(to, all, isLogged),
    send: (text) => void (text !== '' && raw.send(text)),
    wait: (milliseconds = wait) => sleep(milliseconds),
    async until(text, times = 1) {
      const enough = () => raw.received.split(text).length > times
      for (let waited = 0; waited < 3000 && !enough() && !raw.ended; waited += 2) await sleep(2)
      if (!enough()) throw new Error(`no ${JSON.stringify(text)} in ${JSON.stringify(raw.received)}`)
    },
    async logged() {
      if (!isLogged()) throw new Error('nothing is logged yet')
    },
    async untilEnd() {
      await raw.untilEnd()
    },
    end: () => void raw.socket.end(),
    leave: () => raw.destroy(),
    reset: () => void raw.socket.resetAndDestroy(),
  }
}
