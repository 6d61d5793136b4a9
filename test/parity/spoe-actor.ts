/** The agent of a SPOE scenario: raw bytes, event by event, right and wrong ones; and what it was told. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createReader, decodeMessages } from 'sluice/spop'
import { ack, agentDisconnect, agentHello, frame, ScriptedAgent, setVar } from '../engine/scripted-agent.ts'
import type { AgentPeer, RawFrame } from '../engine/scripted-agent.ts'

/** What the agent does with a NOTIFY. */
export type Deed = (peer: AgentPeer, notify: RawFrame) => void | Promise<void>

/** Actions as bytes: `txn.v`, an integer that counts the NOTIFYs. */
const counted = (notify: RawFrame & { count?: number }) => setVar('v', notify.count ?? 0)

const other = (id: number) => (id + 100 < 240 ? id + 100 : 239).toString(16).padStart(2, '0')
const byte = (id: number) => Buffer.from([id]).toString('hex')

/** It answers as it should. */
export const ok: Deed = (peer, notify) => peer.send(ack(notify.ids, counted(notify)))

/** It answers with these actions, as bytes. */
export const acts =
  (actions: string): Deed =>
  (peer, notify) =>
    peer.send(ack(notify.ids, actions))

/** It does the same, later: milliseconds. */
export const after =
  (delay: number, deed: Deed): Deed =>
  async (peer, notify) => {
    await sleep(delay)
    if (!peer.socket.destroyed) await deed(peer, notify)
  }

/** It sends bytes, with the ids of the NOTIFY where `IDS` stands. */
export const sends =
  (hex: string): Deed =>
  (peer, notify) =>
    peer.send(frame(hex.replace('IDS', notify.ids)))

/** Several of them. */
export const both =
  (...deeds: Deed[]): Deed =>
  async (peer, notify) => {
    for (const deed of deeds) await deed(peer, notify)
  }

export const nothing: Deed = () => {}
export const close: Deed = (peer) => void peer.socket.end()
export const reset: Deed = (peer) => void peer.socket.resetAndDestroy()
export const raw =
  (hex: string): Deed =>
  (peer) =>
    peer.send(hex.replaceAll(' ', ''))
/** The frame breaks off before its last bytes, and the connection ends. */
export const half: Deed = (peer, notify) => {
  const whole = ack(notify.ids, counted(notify))
  peer.socket.end(Buffer.from(whole.slice(0, -6), 'hex'))
}
export const wrongStream: Deed = (peer, notify) =>
  peer.send(ack(`${other(notify.streamId)}${byte(notify.frameId)}`, counted(notify)))
export const wrongFrame: Deed = (peer, notify) =>
  peer.send(ack(notify.ids.slice(0, -2) + other(notify.frameId), counted(notify)))
export const withoutFin: Deed = (peer, notify) => peer.send(ack(notify.ids, counted(notify), '00000000'))
export const twice: Deed = (peer, notify) => {
  const whole = ack(notify.ids, counted(notify))
  peer.send(whole, whole)
}
/** It says DISCONNECT and closes. */
export const disconnects =
  (code: number, message = 'bye'): Deed =>
  (peer) =>
    void peer.socket.end(Buffer.from(agentDisconnect(code, message), 'hex'))

/** What the agent does with HELLO; undefined answers it. */
export type Greeting = (peer: AgentPeer, hello: RawFrame) => void | Promise<void>

/** It answers with these capabilities, and this size as a varint in hexadecimal. */
export const greets =
  (capabilities: string, size?: string): Greeting =>
  (peer) =>
    peer.send(agentHello(capabilities, size))

/** See the head of this file. */
export class SpoeActor {
  readonly #agent: ScriptedAgent
  readonly #told: string[] = []
  readonly #streams = new Set<number>()
  readonly #deeds: Deed[]
  readonly #greeting: Greeting
  readonly #farewell: 'answers' | 'closes' | 'stays'
  #notifies = 0

  constructor(deeds: readonly Deed[], greeting: Greeting, farewell: 'answers' | 'closes' | 'stays') {
    this.#deeds = [...deeds]
    this.#greeting = greeting
    this.#farewell = farewell
    this.#agent = new ScriptedAgent((peer) => {
      peer.mannered = false
      peer.onFrame((each) => void this.#take(peer, each))
    })
  }

  async listen(): Promise<number> {
    await this.#agent.listen()
    return this.#agent.port
  }

  stop(): Promise<void> {
    return this.#agent.stop()
  }

  /** What it was told: NOTIFYs with their frame ids, and with which code it was left. */
  get told(): readonly string[] {
    return this.#told
  }

  /** The stream ids of all NOTIFYs. */
  get streams(): ReadonlySet<number> {
    return this.#streams
  }

  async #take(peer: AgentPeer, each: RawFrame): Promise<void> {
    if (each.type === 1) return await this.#greeting(peer, each)
    if (each.type === 2) return this.#leave(peer, each)
    if (each.type !== 3) return void this.#told.push(`type ${each.type}`)
    const count = ++this.#notifies
    this.#streams.add(each.streamId)
    this.#told.push(`${each.frameId}: ${messagesOf(each)}`)
    const deed = this.#deeds.shift() ?? ok
    await deed(peer, Object.assign(each, { count }))
  }

  #leave(peer: AgentPeer, { payload }: RawFrame): void {
    const told = `DISCONNECT ${payload[13] ?? -1}` // behind the key and the type
    // HAProxy says it also to who has left already, and again and again to who refuses HELLO. When a connection is left
    // because of time is another matter.
    if (!peer.socket.writableEnded && this.#told.at(-1) !== told && !told.endsWith(' 2'))
      this.#told.push(told)
    if (this.#farewell === 'answers') peer.socket.end(Buffer.from(agentDisconnect(0), 'hex'))
    else if (this.#farewell === 'closes') peer.socket.end()
  }
}

function messagesOf({ payload, flags }: RawFrame): string {
  if ((flags & 1) === 0) return `first of several, ${payload.length} bytes`
  const messages = decodeMessages(createReader(payload))
  return messages
    .map(({ name, args }) => {
      const values = args.map(
        ([key, data]) => `${key}=${data.type}:${'value' in data ? String(data.value) : ''}`,
      )
      return `${name}(${values.join(' ')})`
    })
    .join(' ')
}
