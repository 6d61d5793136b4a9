/** Addresses of `bind` and `server` lines, in words. */
import { parseEndpoint } from '../../net/endpoint.ts'
import type { Endpoint } from '../../net/endpoint.ts'
import { UsageError } from '../../base/errors.ts'
import type { InprocAddress, ServerAddress } from '../model/index.ts'
import { forbiddenCharacter } from '../text/args.ts'
import type { Args } from '../text/args.ts'
import { addressWord } from '../text/word.ts'
import type { Word } from '../text/word.ts'

/** The address in `text`, which is (a part of) `word`. */
function readEndpoint(args: Args, word: Word, text = word.text): Endpoint | undefined {
  if (/^(udp|quic|sockpair)[46]?@/.test(text)) {
    return args.error('CFG_VALUE_UNSUPPORTED', word.place, `'${text}': only stream sockets are implemented`)
  }
  try {
    const endpoint = parseEndpoint(text)
    const strange = endpoint.type === 'tcp' ? /[^\w.:%-]/.exec(endpoint.host)?.[0] : undefined
    if (strange === undefined) return endpoint
    return args.error('CFG_ADDRESS', word.place, `'${strange}' cannot be part of the host in '${text}'`)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return args.error('CFG_ADDRESS', word.place, error.message)
  }
}

/** Every address of `bind`: separated by commas, each with a port or a range of ports. */
export function readListenAddresses(args: Args, written: Word): readonly Endpoint[] | undefined {
  const word = addressWord(written)
  const endpoints: Endpoint[] = []
  // A comma at the end is allowed, one at the start is not.
  const parts = word.text.replace(/,$/, '').split(',')
  for (const part of parts) {
    const found = part === '' ? emptyAddress(args, word) : readListenAddress(args, word, part)
    if (found === undefined) return undefined
    endpoints.push(...found)
  }
  return endpoints
}

function emptyAddress(args: Args, word: Word): undefined {
  const hint = 'is an environment variable missing?'
  return args.error('CFG_ADDRESS', word.place, `an address in '${word.text}' is empty`, hint)
}

function readListenAddress(args: Args, word: Word, text: string): readonly Endpoint[] | undefined {
  const range = /^(.*:)(\d{1,5})-(\d{1,5})$/.exec(text)
  if (range === null || /^(unix|abns)@|^\.?\//.test(text)) {
    const endpoint = readEndpoint(args, word, text)
    if (endpoint === undefined) return undefined
    if (endpoint.type !== 'tcp' || endpoint.port !== 0) return [endpoint]
    return args.error('CFG_ADDRESS', word.place, `'${text}' has no port to listen on`)
  }
  const [, host = '', low = '', high = ''] = range
  const [first, last] = [Number(low), Number(high)]
  if (first < 1 || last > 65535 || first > last) {
    return args.error('CFG_ADDRESS', word.place, `'${low}-${high}' is no range of ports`)
  }
  const endpoints: Endpoint[] = []
  for (let port = first; port <= last; port += 1) {
    const endpoint = readEndpoint(args, word, `${host}${port}`)
    if (endpoint === undefined) return undefined
    endpoints.push(endpoint)
  }
  return endpoints
}

/** What our own addresses of agents in the same process begin with. */
export const inprocPrefix = 'inproc@'

/** The address of a `server`, with a fixed port. */
export function readServerAddress(args: Args, written: Word): ServerAddress | undefined {
  const word = addressWord(written)
  const { text } = word
  if (text.startsWith(inprocPrefix)) return readInproc(args, word)
  if (text.startsWith('fd@')) {
    return args.error('CFG_ADDRESS', word.place, `'${text}': a server cannot be a file descriptor`)
  }
  if (/:[+-]\d+$/.test(text) || /:0?$/.test(text) || isBareHost(text)) {
    const message = `'${text}' has no fixed port, so the client's port would be used`
    return args.error(
      'CFG_VALUE_UNSUPPORTED',
      word.place,
      `${message}; that is not implemented`,
      'write host:port',
    )
  }
  const endpoint = readEndpoint(args, word)
  if (endpoint?.type === 'tcp' && (endpoint.host === '0.0.0.0' || endpoint.host === '::')) {
    const message = `'${text}' means the address that the client connected to; that is not implemented`
    return args.error('CFG_VALUE_UNSUPPORTED', word.place, message)
  }
  return endpoint
}

function readInproc(args: Args, { text, place }: Word): InprocAddress | undefined {
  const name = text.slice(inprocPrefix.length)
  const bad = forbiddenCharacter(name)
  if (name !== '' && bad === undefined) return { type: 'inproc', name }
  const why = bad === undefined ? 'has no name' : `has '${bad}' in its name`
  return args.error('CFG_ADDRESS', place, `'${text}' ${why}`, 'write inproc@ and the name of the agent')
}

function isBareHost(text: string): boolean {
  return /^((ipv[46]|tcp[46]?)@)?([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])$/.test(text)
}
