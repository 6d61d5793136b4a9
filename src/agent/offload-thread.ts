/** The entry of a worker thread: loads the module, answers one job after another. */
import { Buffer } from 'node:buffer'
import { parentPort, workerData } from 'node:worker_threads'
import { Writer } from '../bytes/writer.ts'
import { errorMessage } from '../base/errors.ts'
import { createReader } from '../spop/frame-head.ts'
import { readString } from '../spop/string.ts'
import { ActionWriter } from './action-writer.ts'
import { ArgumentDecoder } from './arguments/decoder.ts'
import { AgentError } from './errors.ts'
import type { OffloadModule } from './offload-module.ts'
import { VariableNames } from './variable-names.ts'

/** A message for a thread: an encoded message of a NOTIFY. */
export interface OffloadJob {
  readonly id: number
  readonly message: Uint8Array
  /** Room for actions, in bytes. */
  readonly room: number
  /** See `AgentOptions.varPrefix`. */
  readonly prefix: string | undefined
}

/** What a thread answers; the first answer, of id 0, says that the module is loaded. */
export interface OffloadResult {
  readonly id: number
  readonly actions?: Uint8Array<ArrayBuffer>
  readonly oversized?: boolean
  readonly error?: string
}

/** An agent has one prefix, and a pool one agent as a rule. */
let names = new VariableNames(undefined)

function namesBehind(prefix: string | undefined): VariableNames {
  if (names.prefix !== prefix) names = new VariableNames(prefix)
  return names
}

async function serve(): Promise<void> {
  const port = parentPort
  if (port === null) return
  const { module } = workerData as { module: string }
  const loaded = (await import(module)) as { default?: OffloadModule }
  const handlers = loaded.default
  if (!(handlers instanceof Map)) {
    throw new AgentError('ERR_AGENT_OFFLOAD', `${module} has no default export made by defineOffload()`)
  }
  const decoders = new Map([...handlers].map(([name, { args }]) => [name, new ArgumentDecoder(name, args)]))
  port.on('message', (job: OffloadJob) => {
    void run(handlers, decoders, job).then((result) => {
      port.postMessage(result, result.actions === undefined ? [] : [result.actions.buffer])
    })
  })
  port.postMessage({ id: 0 } satisfies OffloadResult)
}

async function run(
  handlers: OffloadModule,
  decoders: ReadonlyMap<string, ArgumentDecoder>,
  { id, message, room, prefix }: OffloadJob,
): Promise<OffloadResult> {
  try {
    const reader = createReader(Buffer.from(message.buffer, message.byteOffset, message.byteLength))
    const name = readString(reader)
    const handler = handlers.get(name)
    const decoder = decoders.get(name)
    if (handler === undefined || decoder === undefined)
      return { id, error: `the module has no handler '${name}'` }
    const writer = new Writer()
    const actions = new ActionWriter(writer, room, namesBehind(prefix))
    // The module's declaration keeps schema and handler together.
    await handler.handle(decoder.decode(reader, reader.uint8()) as Record<string, never>, actions)
    // Bytes of their own: they move away, and a handler that sets more later must find its writer intact.
    return { id, actions: new Uint8Array(writer.view()), oversized: actions.oversized }
  } catch (error) {
    return { id, error: errorMessage(error) }
  }
}

await serve()
