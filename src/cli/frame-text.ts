/** A traced frame as one line of text for people. */
import type { TraceEvent } from '../agent/index.ts'
import type { Action, Frame, Item, TypedData } from '../spop/index.ts'

/** `recv 1 NOTIFY 7/1 get-ip-reputation(ip=127.0.0.1)`. */
export function formatFrame({ direction, connection, frame, error, bytes }: TraceEvent): string {
  const what =
    frame === undefined ? `undecodable: ${String(error)} ${bytes.toString('hex')}` : describe(frame)
  return `${direction} ${connection.id} ${what}`
}

function describe(frame: Frame): string {
  switch (frame.type) {
    case 'haproxy-hello':
      return `HAPROXY-HELLO versions=${frame.supportedVersions} max-frame-size=${frame.maxFrameSize} capabilities=${frame.capabilities} ${frame.healthcheck ? 'healthcheck' : `engine-id=${frame.engineId}`}`
    case 'agent-hello':
      return `AGENT-HELLO version=${frame.version} max-frame-size=${frame.maxFrameSize} capabilities=${frame.capabilities}`
    case 'haproxy-disconnect':
    case 'agent-disconnect':
      return `${frame.type.toUpperCase()} ${frame.statusCode} ${frame.message}`
    case 'notify':
      return `NOTIFY ${frame.streamId}/${frame.frameId} ${frame.messages.map((each) => `${each.name}(${each.args.map(formatItem).join(', ')})`).join(' ')}${frame.fin ? '' : `fragment of ${frame.fragment?.length ?? 0} bytes`}`
    case 'ack':
      return `ACK ${frame.streamId}/${frame.frameId} ${frame.actions.map(formatAction).join(' ')}`
    case 'unset':
      return `UNSET ${frame.streamId}/${frame.frameId} ${frame.payload.length} bytes${frame.fin ? ' FIN' : ''}${frame.abort ? ' ABORT' : ''}`
    case 'unknown':
      return `type ${frame.frameType} ${frame.streamId}/${frame.frameId} ${frame.payload.length} bytes`
  }
}

function formatItem([name, value]: Item): string {
  return name === '' ? formatData(value) : `${name}=${formatData(value)}`
}

function formatAction(action: Action): string {
  if (action.type === 'unset-var') return `unset(${action.scope}.${action.name})`
  return `set(${action.scope}.${action.name}=${formatData(action.value)})`
}

/** Text in quotes and cut at a sensible length; bytes as hex. */
function formatData(data: TypedData): string {
  const longest = 64
  switch (data.type) {
    case 'null':
      return 'NULL'
    case 'string':
      return JSON.stringify(data.value.length > longest ? `${data.value.slice(0, longest)}…` : data.value)
    case 'binary':
      return `0x${data.value.toString('hex', 0, longest / 2)}${data.value.length > longest / 2 ? '…' : ''}`
    default:
      return String(data.value)
  }
}
