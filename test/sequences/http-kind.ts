/** HTTP requests on kept connections: see http-setup.ts and http-asks.ts. */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAgent } from 'sluice/agent'
import type { Agent } from 'sluice/agent'
import { askPieces } from './ask.ts'
import { runSequence } from './client.ts'
import type { Seen, Sequence } from './client.ts'
import { randomSequence, smallerSequences } from './http-asks.ts'
import { httpKnown } from './http-known.ts'
import { randomHttpSetup, renderHttpSetup, renderSpoe, smallerHttpSetups } from './http-setup.ts'
import type { HttpSetup, HttpTaste } from './http-setup.ts'
import type { Kind, Role, Side, Transcript } from './kind.ts'
import { statusOf } from './message.ts'
import type { Message } from './message.ts'
import { Origin } from './origin.ts'
import { startProgram } from './programs.ts'
import type { Program } from './programs.ts'

export function httpKind(taste: HttpTaste): Kind<HttpSetup, Sequence> {
  return {
    name: 'http',
    together: 20,
    known: httpKnown,
    setup: (random) => randomHttpSetup(random, taste),
    make: randomSequence,
    start: (setup, role) => HttpSide.start(setup, role),
    smallerSetups: smallerHttpSetups,
    smallerCases: smallerSequences,
    showSetup: (setup) => {
      const spoe = renderSpoe(setup)
      return renderHttpSetup(setup, shownPorts) + (spoe === undefined ? '' : `\n# spoe.conf\n${spoe}`)
    },
    showCase: showSequence,
  }
}

const shownPorts = { fe: 8000, origin: 8001, agent: 8002 }

class HttpSide implements Side<Sequence> {
  readonly #origin: Origin
  readonly #told: Map<string, string[]>
  readonly #agent: Agent
  readonly #program: Program

  private constructor(origin: Origin, told: Map<string, string[]>, agent: Agent, program: Program) {
    this.#origin = origin
    this.#told = told
    this.#agent = agent
    this.#program = program
  }

  static async start(setup: HttpSetup, role: Role): Promise<HttpSide> {
    const origin = new Origin()
    const told = new Map<string, string[]>()
    const agent = makeAgent(told)
    const spoe = renderSpoe(setup)
    await origin.listen()
    try {
      const endpoint = await agent.listen('127.0.0.1:0')
      const ports = { origin: origin.port, agent: endpoint.type === 'tcp' ? endpoint.port : 0 }
      const program = await startProgram(
        role,
        1,
        ([fe = 0]) => renderHttpSetup(setup, { fe, ...ports }),
        spoe === undefined ? {} : { 'spoe.conf': spoe },
      )
      return new HttpSide(origin, told, agent, program)
    } catch (error) {
      origin.stop()
      await agent.close()
      throw error
    }
  }

  async run(sequence: Sequence, number: number): Promise<Transcript> {
    // As long for all, so that lengths are the same from run to run.
    const idOf = (at: number) => `q${String(number).padStart(7, '0')}.${at}`
    const seen = await runSequence(this.#program.ports[0] ?? 0, sequence, idOf)
    // What was on its way to the origin arrives.
    await sleep(20)
    const transcript = new Map(clientView(seen))
    for (const at of sequence.asks.keys()) {
      for (const [where, text] of originView(this.#origin.take(idOf(at)))) {
        transcript.set(`request ${at + 1} ${where}`, text)
      }
      transcript.set(`request ${at + 1} agent`, (this.#told.get(idOf(at)) ?? []).join(' | '))
    }
    const ids = new RegExp(`q${String(number).padStart(7, '0')}\\.`, 'g')
    for (const [where, text] of transcript) transcript.set(where, brief(text.replace(ids, 'id.')))
    return transcript
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
    this.#agent.destroy()
  }
}

/** Long texts by their length and their digest. */
function brief(text: string): string {
  if (text.length <= 500) return text
  return `${text.slice(0, 80)}… ${text.length} bytes, ${createHash('md5').update(text, 'latin1').digest('hex')}`
}

function* clientView(seen: Seen): Generator<[string, string]> {
  let number = 1
  let interim: string[] = []
  for (const answer of seen.answers) {
    if (answer.framing !== 'tunnel' && statusOf(answer.line) < 200) {
      interim.push([answer.line, ...answer.headers].join('\n'))
      continue
    }
    const name = `answer ${number++}`
    yield [`${name} interim`, interim.join('\n')]
    interim = []
    yield [`${name} line`, answer.line]
    yield* bodyView(name, answer)
  }
  yield ['interim left', interim.join('\n')]
  yield ['answers', String(number - 1)]
  yield ['rest', seen.rest]
  const untilClose = seen.answers.at(-1)?.framing === 'close'
  // A reset and an end are the same to a client that knows where its answers end.
  yield ['end', seen.end === 'reset' && !untilClose ? 'closed' : seen.end]
}

function* bodyView(name: string, message: Message): Generator<[string, string]> {
  yield [`${name} headers`, message.headers.join('\n')]
  yield [`${name} framing`, message.framing]
  // How much of a message that is cut arrives is a matter of time.
  yield [`${name} body`, message.complete ? message.body : 'cut']
  yield [`${name} trailers`, message.trailers.join('\n')]
}

function* originView(messages: readonly Message[]): Generator<[string, string]> {
  yield ['arrived', String(messages.length)]
  const [first] = messages
  if (first === undefined) return
  yield ['line', first.line]
  yield* bodyView('', first)
}

/** Tells each message with an id in `told`, and sets variables that depend on the message. */
function makeAgent(told: Map<string, string[]>): Agent {
  const agent = createAgent()
  for (let at = 0; at < 9; at++) {
    const name = at === 8 ? 'mg' : `m${at}`
    agent.message(name, (message, actions) => {
      const args = message.args.map(
        ([key, value]) => `${key}=${value.type}:${String('value' in value ? value.value : '')}`,
      )
      const id = message.get('id')
      if (id?.type === 'string') {
        told.set(String(id.value), [...(told.get(String(id.value)) ?? []), `${name} ${args.join(',')}`])
      }
      actions.setVar('txn', 'v', name)
      actions.setVar('res', 'w', args.length)
      return at % 3 === 1 ? sleep(20) : undefined
    })
  }
  return agent
}

function showSequence({ asks, end }: Sequence): string {
  const shown = asks.map((ask, at) => {
    const pieces = askPieces(ask, `q0000001.${at}`).map(({ text, pause, listens }) => {
      const wait =
        listens === true ? ' and waits for an answer to it' : pause > 0 ? ` and waits ${pause} ms` : ''
      return `client sends${wait}: ${shorten(text)}`
    })
    const after = ask.waits ? 'client waits for the answer' : 'client goes on at once'
    const tunnel =
      ask.tunnel === '' ? [] : [`once it is a tunnel, client sends: ${JSON.stringify(ask.tunnel)}`]
    return [...pieces, ...tunnel, after].join('\n')
  })
  return [...shown, `client at the end: ${end}`].join('\n')
}

function shorten(text: string): string {
  return JSON.stringify(text.length > 900 ? `${text.slice(0, 800)}…(${text.length})` : text)
}
