/** One step of growth.ts in a process of its own: `growth-run KIND SIZE [METHOD]`. Prints microseconds of CPU for each operation. */
import { createAgent, type Schema } from 'sluice/agent'
import { createEngine, type MessageInput } from 'sluice/engine'
import { addr, PatternCache, sint, str, type SampleValue } from '#src/sample/index.js'
import { matchMethods, type MatchName } from '#src/sample/patterns/match-method.js'
import { addWord } from '#src/sample/patterns/pattern-set.js'
import { patternOf } from './growth-lists.js'

const [kind = '', sizeText = '1', method = 'str'] = process.argv.slice(2)
const size = Number(sizeText)

/** Seconds of CPU until the compiler is done, and to measure for. */
const [warm, measured] = [0.7, 0.7]

const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** Microseconds of CPU of one operation; `operate` does many. */
async function costOf(operate: (count: number) => void | Promise<void>, atATime: number): Promise<number> {
  for (const begun = cpuSeconds(); cpuSeconds() < begun + warm;) await operate(atATime)
  let done = 0
  const before = cpuSeconds()
  for (; cpuSeconds() < before + measured; done += atATime) await operate(atATime)
  return ((cpuSeconds() - before) / done) * 1e6
}

/** What is not in the list, each time another one: what is remembered does not help. */
function missed(name: MatchName, at: number): SampleValue {
  if (name === 'int') return sint(-1 - at)
  if (name === 'ip') return addr(Uint8Array.of(250, (at >> 16) & 255, (at >> 8) & 255, at & 255))
  return str(`/no/such/path/${at}/that/is/in/a/list?of=patterns`)
}

async function search(name: MatchName, same: boolean): Promise<number> {
  const set = matchMethods[name].create(false, new PatternCache())
  for (let at = 0; at < size; at++) addWord(set, patternOf(name, at))
  set.prepare?.()
  let at = 0
  return costOf(
    (count) => {
      for (let index = 0; index < count; index++) set.find(missed(name, same ? 0 : at++))
    },
    name === 'reg' ? 50 : 1000,
  )
}

/** A call of an engine in the process of its agent. */
async function call(
  messages: readonly MessageInput[],
  agent: ReturnType<typeof createAgent>,
): Promise<number> {
  const engine = createEngine({ servers: [agent], maxFrameSize: 1_000_000, maxPayloadSize: 1_000_000 })
  const cost = await costOf(async (count) => {
    for (let sent = 0; sent < count; sent += 20) {
      const sends = Array.from({ length: 20 }, () => engine.send({ messages, timeout: 10_000 }))
      for (const { error } of await Promise.all(sends)) if (error !== undefined) throw error
    }
  }, 200)
  await engine.close()
  await agent.close()
  return cost
}

const agentOf = () => createAgent({ maxFrameSize: 1_000_000, logger: false })

function callLastOfMany(): Promise<number> {
  const agent = agentOf()
  const nameOf = (at: number) => `message-${String(at).padStart(8, '0')}`
  for (let at = 0; at < size; at++)
    agent.message(nameOf(at), {}, (_, actions) => actions.setVar('txn', 'x', 1))
  return call([{ name: nameOf(size - 1), args: [] }], agent)
}

function callWithArguments(): Promise<number> {
  const names = Array.from({ length: size }, (_, at) => `a${at}`)
  const agent = agentOf()
  const schema: Schema = Object.fromEntries(names.map((name) => [name, 'string']))
  agent.message('m', schema, (args, actions) => {
    let length = 0
    for (const name of names) length += String(args[name]).length
    actions.setVar('txn', 'x', length)
  })
  return call([{ name: 'm', args: names.map((name) => [name, 'some value'] as const) }], agent)
}

function callWithPayload(): Promise<number> {
  const agent = agentOf()
  agent.message('m', { body: 'binary' }, ({ body }, actions) => actions.setVar('txn', 'x', body.length))
  return call([{ name: 'm', args: [['body', Buffer.alloc(size)]] }], agent)
}

const kinds: Readonly<Record<string, () => Promise<number>>> = {
  search: () => search(method as MatchName, false),
  again: () => search(method as MatchName, true),
  messages: callLastOfMany,
  arguments: callWithArguments,
  payload: callWithPayload,
}

console.log(await kinds[kind]?.())
