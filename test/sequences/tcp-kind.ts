/** Segments of TCP streams against content rules: see tcp-setup.ts. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Message } from 'sluice/spop'
import type { Kind, Known, Role, Side, Transcript } from './kind.ts'
import { startProgram } from './programs.ts'
import type { Program } from './programs.ts'
import type { Random } from './random.ts'
import { ScriptedAgent } from './scripted-agent.ts'
import type { Deed } from './scripted-agent.ts'
import { Slots } from './slots.ts'
import { randomTcpSetup, renderTcpSetup, smallerTcpSetups, tcpFiles, tcpSlots } from './tcp-setup.ts'
import type { TcpSetup } from './tcp-setup.ts'

interface Segment {
  readonly text: string
  /** Milliseconds before it. */
  readonly pause: number
}

/** One connection: what the client sends and what the origin does. */
export interface TcpCase {
  readonly segments: readonly Segment[]
  readonly end: 'hold' | 'fin'
  /** echo: gives back what comes; greets: speaks first; closes: answers the first bytes and ends. */
  readonly origin: 'echo' | 'greets' | 'closes' | 'silent'
}

const isGroup = (rule: string): boolean => rule.includes('send-spoe-group')

/** The messages of events of the response. */
function laterMessages(spoe: readonly string[]): string[] {
  return spoe.flatMap((line, at) => {
    const name = /^spoe-message (\S+)/.exec(line)?.[1]
    const isLater = /^ {2}event on-(?:server-session|tcp-response)$/.test(spoe[at + 2] ?? '')
    return name !== undefined && isLater ? [name] : []
  })
}

const known: readonly Known<TcpSetup, TcpCase>[] = [
  {
    name: 'events behind one that failed',
    link: 'docs/compatibility.md#the-spoe-filter',
    reason: 'SPOE.txt 2.5: without continue-on-error there are none; HAProxy fires those of the response',
    explains: ({ where, theirs, ours }, { origin }, { spoe, rules }) => {
      // One takes longer than the agent has; a group is given up when its rules may wait no more, or run once again.
      const mayFail = spoe.some((line) => /^spoe-message .*d500/.test(line)) || rules.some(isGroup)
      if (!mayFail || spoe.includes('  option continue-on-error')) return false
      const later = laterMessages(spoe)
      // While such an event is answered, more may come.
      if (where === 'origin received')
        return origin === 'closes' && later.length > 0 && theirs.startsWith(ours)
      if (where !== 'agent' || !theirs.startsWith(ours)) return false
      const more = theirs.slice(ours.length).split('\n').filter(Boolean)
      return more.every((line) => later.includes(line.split(' ')[0] ?? ''))
    },
  },
  {
    name: 'a time-out of an event behind the first',
    link: 'docs/compatibility.md#the-spoe-filter',
    reason: 'HAProxy 2.6 overlooks it: the stream waits for the answer, however late',
    explains: ({ where, theirs, ours }, _each, { spoe }) => {
      const names = spoe.flatMap((line) => /^spoe-message (m\S+)/.exec(line)?.slice(1) ?? [])
      const isLate = names.some(
        (name, at) => name.endsWith('d500') && (at > 0 || laterMessages(spoe).includes(name)),
      )
      const isPart = theirs.startsWith(ours) || ours.startsWith(theirs)
      return isLate && isPart && /^(?:agent|client received|origin received)$/.test(where)
    },
  },
  {
    name: 'what a client has sent before the response is rejected',
    link: 'docs/compatibility.md#other-differences',
    reason: 'both reset the connection to the server: what was not read by then is lost',
    explains: ({ where, theirs, ours }, _each, { rules }) =>
      where === 'origin received' &&
      rules.some((rule) => rule.startsWith('tcp-response content reject')) &&
      (theirs.startsWith(ours) || ours.startsWith(theirs)),
  },
  {
    name: 'rules without inspect-delay that look at bytes which come with the connection',
    link: 'docs/compatibility.md#other-differences',
    reason: 'whether they are there by then is a matter of who is quicker, in both',
    explains: ({ where, theirs, ours }, { segments }, { rules }) => {
      const looks = rules.some((rule) => /\breq\.(?:len|payload)/.test(rule))
      const waits = rules.some((rule) => rule.includes('inspect-delay'))
      const soon = (segments[0]?.pause ?? Number.POSITIVE_INFINITY) <= 1
      const isOfVerdict = /^(?:client received|origin (?:connections|received)|end|agent)/.test(where)
      return (
        looks &&
        !waits &&
        soon &&
        isOfVerdict &&
        (theirs === '' || theirs === '0' || ours === '' || ours === '0')
      )
    },
  },
]

export const tcpKind: Kind<TcpSetup, TcpCase> = {
  name: 'tcp',
  together: 24,
  known,
  setup: randomTcpSetup,
  make: randomCase,
  start: (setup, role) => TcpSide.start(setup, role),
  smallerSetups: smallerTcpSetups,
  smallerCases,
  showSetup: (setup) =>
    `${renderTcpSetup(setup, [{ fe: 8000, origin: 8001, agent: 8002 }])}\n\n# spoe0.conf\n${tcpFiles(setup)['spoe0.conf'] ?? ''}`,
  showCase: ({ segments, end, origin }) =>
    [
      ...segments.map(({ text, pause }) => `client waits ${pause} ms and sends ${JSON.stringify(text)}`),
      `client at the end: ${end}`,
      `origin: ${origin}`,
    ].join('\n'),
}

function randomCase(random: Random, setup: TcpSetup): TcpCase {
  // Whether bytes that come at once are there when the rules are first evaluated is a matter of chance, and agents are told.
  const first = setup.spoe.length > 0 ? 60 : 0
  const whole = random.pick([
    'abcdefgh',
    'abcx',
    'BADxyz',
    'BA',
    'a',
    'abc',
    'hello world',
    'abcdefgh'.repeat(300),
  ])
  const cuts = Array.from({ length: random.pick([0, 0, 1, 1, 2, 3]) }, () => random.below(whole.length + 1))
  const sorted = [0, ...cuts.toSorted((a, b) => a - b), whole.length]
  const segments = sorted.slice(1).map((cut, at) => ({
    text: whole.slice(sorted[at], cut),
    pause: at === 0 ? random.pick([first, first, 60]) : random.pick([50, 80, 250]),
  }))
  return {
    segments: random.chance(6) ? [] : segments.filter(({ text }) => text !== ''),
    // HAProxy may lose what was sent when the client ends its side while an agent is waited for.
    end: random.chance(70) || setup.spoe.length > 0 ? 'hold' : 'fin',
    origin: random.weighted({ echo: 50, greets: 20, closes: 20, silent: 10 }),
  }
}

function* smallerCases(each: TcpCase): Generator<TcpCase> {
  const { segments } = each
  for (const at of segments.keys()) yield { ...each, segments: segments.toSpliced(at, 1) }
  if (each.end !== 'hold') yield { ...each, end: 'hold' }
  if (each.origin !== 'echo') yield { ...each, origin: 'echo' }
  for (const [at, { text, pause }] of segments.entries()) {
    if (text.length > 8) yield { ...each, segments: segments.with(at, { text: text.slice(0, 8), pause }) }
    if (pause > 60 && at === 0) yield { ...each, segments: segments.with(at, { text, pause: 60 }) }
  }
}

/** A frontend with what stands behind it. */
interface Slot {
  readonly port: number
  readonly origin: TcpOrigin
  readonly agent: ScriptedAgent
}

class TcpSide implements Side<TcpCase> {
  readonly #program: Program
  readonly #all: readonly Slot[]
  readonly #slots: Slots<Slot>

  private constructor(program: Program, slots: readonly Slot[]) {
    this.#program = program
    this.#all = slots
    this.#slots = new Slots(slots)
  }

  static async start(setup: TcpSetup, role: Role): Promise<TcpSide> {
    const behind = Array.from({ length: tcpSlots }, () => ({
      origin: new TcpOrigin(),
      agent: new ScriptedAgent(decide),
    }))
    await Promise.all(behind.flatMap(({ origin, agent }) => [origin.listen(), agent.listen()]))
    try {
      const program = await startProgram(
        role,
        tcpSlots,
        (ports) =>
          renderTcpSetup(
            setup,
            behind.map(({ origin, agent }, at) => ({
              fe: ports[at] ?? 0,
              origin: origin.port,
              agent: agent.port,
            })),
          ),
        tcpFiles(setup),
      )
      return new TcpSide(
        program,
        behind.map((each, at) => ({ ...each, port: program.ports[at] ?? 0 })),
      )
    } catch (error) {
      for (const { origin, agent } of behind) {
        origin.stop()
        agent.stop()
      }
      throw error
    }
  }

  async run(each: TcpCase): Promise<Transcript> {
    return await this.#slots.use(async ({ port, origin, agent }) => {
      origin.begin(each.origin)
      agent.take()
      const client = await converse(port, each)
      // What was on its way arrives.
      await sleep(20)
      return new Map([
        ['client received', client.received],
        ['client end', client.end],
        ['origin connections', String(origin.connections)],
        ['origin received', origin.received],
        // HAProxy says now NULL, now nothing of a buffer without bytes.
        ['agent', agent.take().join('\n').replaceAll('p=null:', 'p=binary:')],
      ])
    })
  }

  strays(): string[] {
    return []
  }

  trouble(): string | undefined {
    return this.#program.trouble()
  }

  async stop(): Promise<void> {
    await this.#program.stop()
    for (const { origin, agent } of this.#all) {
      origin.stop()
      agent.stop()
    }
  }
}

/** Longer than every inspection and every agent's delay together. */
const quiet = 1500

async function converse(port: number, each: TcpCase): Promise<{ received: string; end: string }> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  let received = ''
  let end = 'open'
  socket.on('data', (chunk: Buffer) => void (received += chunk.toString('latin1')))
  socket.on('end', () => (end = end === 'open' ? 'closed' : end))
  socket.on('error', () => (end = end === 'open' ? 'closed' : end))
  for (const { text, pause } of each.segments) {
    if (pause > 0) await sleep(pause)
    if (end !== 'open') break
    socket.write(text)
  }
  if (each.end === 'fin') socket.end()
  for (let waited = 0; waited < quiet && end === 'open'; waited += 20) await sleep(20)
  socket.destroy()
  return { received, end }
}

/** The agent: a payload with an `x` is bad; it takes as long as the message's name says. */
function decide(messages: readonly Message[]): Deed {
  const delay = Math.max(0, ...messages.map(({ name }) => Number(/d(\d+)$/.exec(name)?.[1] ?? 0)))
  const bad = messages.some((message) => {
    const payload = message.get('p')
    return payload !== undefined && 'value' in payload && String(payload.value).includes('x')
  })
  return {
    does: 'ack',
    delay,
    actions: [{ type: 'set-var', scope: 'txn', name: 'v', value: bad ? 'bad' : 'good' }],
  }
}

class TcpOrigin {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #how: TcpCase['origin'] = 'echo'
  connections = 0
  received = ''

  constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => this.#sockets.delete(socket))
      this.#serve(socket)
    })
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** For the next case: what it does, and nothing received yet. */
  begin(how: TcpCase['origin']): void {
    this.#how = how
    this.connections = 0
    this.received = ''
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #serve(socket: Socket): void {
    const how = this.#how
    this.connections++
    if (how === 'greets') socket.write('12345')
    socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1')
      if (how === 'echo' || how === 'greets') socket.write(chunk)
      if (how === 'closes') socket.end('bye567')
    })
  }
}
