/** HAProxy or sluice with an origin and an agent, for requests on kept connections. */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAgent } from 'sluice/agent'
import type { Agent } from 'sluice/agent'
import { runSequence } from './client.ts'
import type { Seen, Sequence } from './client.ts'
import { renderHttpSetup, renderSpoe } from './http-setup.ts'
import type { HttpSetup } from './http-setup.ts'
import type { Role, Side, Transcript } from './kind.ts'
import { statusOf } from './message.ts'
import type { Message } from './message.ts'
import { startProgram } from './programs.ts'
import type { Program } from './programs.ts'

/** What stands behind the proxy: origin.ts or fcgi-origin.ts. */
export interface AnyOrigin {
  readonly port: number
  readonly strays: string[]
  listen(): Promise<void>
  take(id: string): Message[]
  stop(): void
}

/** What stands behind the proxy, and how what was seen is compared. */
export interface HttpScene {
  createOrigin(role: Role): AnyOrigin
  overFcgi(role: Role): boolean
  tidy(transcript: Transcript): Transcript
}

/** See the head of this file. */
export class HttpSide implements Side<Sequence> {
  readonly #scene: HttpScene
  readonly #origin: AnyOrigin
  readonly #told: Map<string, string[]>
  readonly #agent: Agent
  readonly #program: Program

  private constructor(
    scene: HttpScene,
    origin: AnyOrigin,
    told: Map<string, string[]>,
    agent: Agent,
    program: Program,
  ) {
    this.#scene = scene
    this.#origin = origin
    this.#told = told
    this.#agent = agent
    this.#program = program
  }

  static async start(scene: HttpScene, setup: HttpSetup, role: Role): Promise<HttpSide> {
    const origin = scene.createOrigin(role)
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
        ([fe = 0]) => renderHttpSetup(setup, { fe, ...ports }, scene.overFcgi(role)),
        spoe === undefined ? {} : { 'spoe.conf': spoe },
      )
      return new HttpSide(scene, origin, told, agent, program)
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
    return this.#scene.tidy(transcript)
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
