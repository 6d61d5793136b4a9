/** Agents that do right and wrong things, event by event: see spoe-setup.ts. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Kind, Role, Side, Transcript } from './kind.ts'
import { Origin } from './origin.ts'
import { startProgram } from './programs.ts'
import type { Program } from './programs.ts'
import type { Random } from './random.ts'
import { ScriptedAgent } from './scripted-agent.ts'
import type { Deed } from './scripted-agent.ts'
import { runSequence } from './client.ts'
import { plainAsk } from './http-asks.ts'
import { Slots } from './slots.ts'
import {
  isAsync,
  processing,
  randomSpoeSetup,
  renderSpoeSetup,
  smallerSpoeSetups,
  spoeFile,
  spoeSlots,
} from './spoe-setup.ts'
import type { SpoeSetup } from './spoe-setup.ts'

type Does = Pick<Deed, 'does' | 'delay' | 'code'>

/** Requests on one connection; for each, what the agent does with the first NOTIFY, the second and so on. */
export interface SpoeCase {
  readonly requests: readonly (readonly Does[])[]
  /** The server takes its time for each of them: what is fired when a connection is there is fired long before its answer. */
  readonly slow: boolean
}

export const spoeKind: Kind<SpoeSetup, SpoeCase> = {
  name: 'spoe',
  together: 24,
  // What differs on purpose (docs/compatibility.md) has its place in test/parity/spoe-scenarios.ts, and is not made here.
  known: [],
  setup: randomSpoeSetup,
  make: randomCase,
  start: (setup, role) => SpoeSide.start(setup, role),
  smallerSetups: smallerSpoeSetups,
  smallerCases,
  showSetup: (setup) =>
    `# the agent announces '${setup.capabilities}' and ${setup.farewell} when it is left\n${renderSpoeSetup(setup, [{ fe: 8000, origin: 8001, agent: 8002 }])}\n\n# spoe0.conf\n${spoeFile(setup, 0)}`,
  showCase: ({ requests, slow }) =>
    requests
      .map((deeds, at) => {
        const shown = deeds
          .map(({ does, delay, code }) => `${does}${code === undefined ? '' : ` ${code}`} after ${delay} ms`)
          .join(', then ')
        return `client sends GET ${at + 1} and waits${slow ? ', the server is slow' : ''}; the agent answers its NOTIFYs with: ${shown || 'ack'}`
      })
      .join('\n'),
}

const good: Does = { does: 'ack', delay: 0 }
const slowAsk = { ...plainAsk, answer: { ...plainAsk.answer, when: 'slow' } } as const

function randomCase(random: Random, setup: SpoeSetup): SpoeCase {
  const { events, rules } = setup
  const startsEarly =
    events.some((event) => !/server|response/.test(event)) ||
    rules.includes('http-request send-spoe-group e g')
  const notifies = events.length + rules.filter((line) => line.includes('send-spoe-group')).length
  return {
    slow: random.chance(25),
    requests: Array.from({ length: random.pick([1, 1, 2, 3]) }, () =>
      Array.from({ length: notifies }, (_each, at) => {
        const deed = random.chance(65) ? good : randomDeed(random)
        // With async HAProxy waits for a lost answer until its time is over; sluice says at once what was wrong.
        if (isAsync(setup) && endsConnection.includes(deed.does)) return good
        // HAProxy 2.6 overlooks the time-out of events behind the first, and of some of the response (docs/compatibility.md),
        // and waits until the connection to the agent ends.
        if ((at > 0 || !startsEarly) && isUnanswered(deed, setup)) return good
        // HAProxy takes an ACK that is late for one event for the answer to the next.
        const isLate = deed.delay > processing && setup.options.includes('option continue-on-error')
        return isLate && notifies > 1 ? { does: 'nothing', delay: 0 } : deed
      }),
    ),
  }
}

const endsConnection: readonly Does['does'][] = [
  'close',
  'reset',
  'disconnect',
  'no-fin',
  'garbage',
  'huge',
  'half',
]

/** Whether HAProxy waits for an answer until its time is over. */
function isUnanswered({ does, delay }: Does, setup: SpoeSetup): boolean {
  if (does === 'nothing' || delay > processing) return true
  const pipelines = setup.capabilities !== '' && !setup.options.includes('no option pipelining')
  return ['wrong-stream', 'wrong-frame'].includes(does) && (pipelines || isAsync(setup))
}

function randomDeed(random: Random): Does {
  const does = random.weighted({
    ack: 30,
    nothing: 10,
    close: 12,
    reset: 6,
    disconnect: 10,
    'wrong-stream': 5,
    'wrong-frame': 5,
    'no-fin': 4,
    garbage: 5,
    huge: 3,
    twice: 5,
    half: 5,
    empty: 4,
    'wrong-action': 4,
    'unknown-frame': 4,
  })
  // Far from the time-out on both sides, so that it is clear who is first.
  const delay = random.pick(does === 'ack' ? [60, 120, processing + 300] : [0, 0, 60])
  return does === 'disconnect'
    ? { does, delay, code: random.pick([0, 1, 2, 4, 12, 99, 100]) }
    : { does, delay }
}

function* smallerCases(each: SpoeCase): Generator<SpoeCase> {
  if (each.slow) yield { ...each, slow: false }
  for (const requests of smallerRequests(each.requests)) yield { ...each, requests }
}

function* smallerRequests(requests: SpoeCase['requests']): Generator<SpoeCase['requests']> {
  if (requests.length > 1) for (const at of requests.keys()) yield requests.toSpliced(at, 1)
  for (const [at, deeds] of requests.entries()) {
    for (const [number, deed] of deeds.entries()) {
      if (deed !== good) yield requests.with(at, deeds.with(number, good))
      if (deed.delay > 0 && deed.delay < processing) {
        yield requests.with(at, deeds.with(number, { ...deed, delay: 0 }))
      }
    }
    if (deeds.length > 1) yield requests.with(at, deeds.slice(0, -1))
  }
}

/** A frontend with its agent, and what the agent is to do next. */
class Slot {
  readonly agent: ScriptedAgent
  port = 0
  #deeds: Does[] = []
  #count = 0

  constructor({ capabilities, farewell }: SpoeSetup) {
    this.agent = new ScriptedAgent(() => this.#next(), { capabilities, farewell })
  }

  begin(deeds: readonly Does[]): void {
    this.#deeds = [...deeds]
    this.#count = 0
  }

  #next(): Deed {
    const value = String(++this.#count)
    const set = (scope: 'txn' | 'sess' | 'res', name: string) =>
      ({ type: 'set-var', scope, name, value }) as const
    return { ...(this.#deeds.shift() ?? good), actions: [set('txn', 'v'), set('sess', 's'), set('res', 'r')] }
  }
}

class SpoeSide implements Side<SpoeCase> {
  readonly #program: Program
  readonly #origin: Origin
  readonly #all: readonly Slot[]
  readonly #slots: Slots<Slot>

  private constructor(program: Program, origin: Origin, slots: readonly Slot[]) {
    this.#program = program
    this.#origin = origin
    this.#all = slots
    this.#slots = new Slots(slots)
  }

  static async start(setup: SpoeSetup, role: Role): Promise<SpoeSide> {
    const origin = new Origin()
    const slots = Array.from({ length: spoeSlots }, () => new Slot(setup))
    await Promise.all([origin.listen(), ...slots.map(({ agent }) => agent.listen())])
    try {
      const program = await startProgram(
        role,
        spoeSlots,
        (ports) =>
          renderSpoeSetup(
            setup,
            slots.map(({ agent }, at) => ({ fe: ports[at] ?? 0, origin: origin.port, agent: agent.port })),
          ),
        Object.fromEntries(slots.map((_, at) => [`spoe${at}.conf`, spoeFile(setup, at)])),
      )
      for (const [at, slot] of slots.entries()) slot.port = program.ports[at] ?? 0
      return new SpoeSide(program, origin, slots)
    } catch (error) {
      origin.stop()
      for (const { agent } of slots) agent.stop()
      throw error
    }
  }

  async run({ requests, slow }: SpoeCase, number: number): Promise<Transcript> {
    return await this.#slots.use(async (slot) => {
      const transcript = new Map<string, string>()
      const idOf = (at: number) => `q${String(number).padStart(7, '0')}.${at}`
      const next = (at: number) => {
        if (at > 0) transcript.set(`request ${at} agent`, slot.agent.take().join('\n'))
        slot.begin(requests[at] ?? [])
      }
      slot.agent.take()
      const seen = await runSequence(
        slot.port,
        { asks: requests.map(() => (slow ? slowAsk : plainAsk)), end: 'hold' },
        idOf,
        next,
      )
      await sleep(20)
      next(requests.length)
      for (const [at, { line, headers, body }] of seen.answers.entries()) {
        transcript.set(`answer ${at + 1} line`, line)
        transcript.set(`answer ${at + 1} headers`, headers.join('\n'))
        transcript.set(`answer ${at + 1} body`, body)
      }
      transcript.set('answers', String(seen.answers.length))
      transcript.set('end', seen.end)
      for (const at of requests.keys()) {
        const messages = this.#origin.take(idOf(at))
        transcript.set(`request ${at + 1} arrived`, String(messages.length))
        const headers = messages[0]?.headers.filter((each) => each.startsWith('x-v')) ?? []
        transcript.set(`request ${at + 1} headers`, headers.join('\n'))
      }
      // What this case has left behind, a wait or a connection that dies, does not meet the next one.
      const isGood = requests.every((deeds) =>
        deeds.every(({ does, delay }) => does === 'ack' && delay < processing),
      )
      await sleep(isGood ? 20 : processing)
      return transcript
    })
  }

  strays(): string[] {
    return this.#origin.strays.splice(0)
  }

  trouble(): string | undefined {
    return this.#program.trouble()
  }

  async stop(): Promise<void> {
    await this.#program.stop()
    this.#origin.stop()
    for (const { agent } of this.#all) agent.stop()
  }
}
