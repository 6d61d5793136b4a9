/**
 * Hides secrets: each byte of one becomes a star, so lengths stay what they were and a capture can still be read. What is
 * hidden are values whose name says what they are (cookies, Authorization, tokens, passwords), such lines and pairs
 * within `req.hdrs` and `req.hdrs_bin`, and unnamed text that looks like one. Query strings and bodies are not looked
 * through.
 */
import { SpopError } from '../spop/errors.ts'
import { createReader } from '../spop/frame-head.ts'
import { readString } from '../spop/string.ts'
import { decodeTypedData, type TypedData } from '../spop/typed-data.ts'
import { readHeaderPairs } from './headers-bin.ts'

const star = 0x2a
const secretName = /cookie|authorization|passw|secret|token|api[-_.]?key|credential|auth_(pw|digest)/i
/** No header name is longer that is worth a look. */
const longestName = 64

/** Whether a value of that name is hidden. */
function isSecretName(name: string): boolean {
  return secretName.test(name)
}

/** Whether nothing is left of a text but stars. */
export function isMasked(text: string): boolean {
  return /^\*+$/.test(text)
}

/** Hides the values of secret header lines, in place. Lines may come in pieces: the state is kept from one to the next. */
export class HeaderMasker {
  #name = ''
  #state: 'name' | 'value' | 'secret' = 'name'
  #previous = false
  #over = false

  mask(bytes: Buffer): void {
    for (let at = 0; at < bytes.length && !this.#over; at++) {
      const byte = bytes[at] as number // within bounds
      if (byte === 0x0a) this.#endLine()
      else if (byte === 0x0d) continue
      else if (this.#state === 'name') this.#takeName(bytes, at, byte)
      else if (this.#state === 'secret') bytes[at] = star
    }
  }

  #endLine(): void {
    // An empty line ends the head.
    this.#over = this.#state === 'name' && this.#name === ''
    this.#previous = this.#state === 'secret'
    this.#state = 'name'
    this.#name = ''
  }

  #takeName(bytes: Buffer, at: number, byte: number): void {
    if (this.#name === '' && (byte === 0x20 || byte === 0x09)) {
      // A folded line goes on with the value of the one before.
      this.#state = this.#previous ? 'secret' : 'value'
      if (this.#previous) bytes[at] = star
    } else if (byte === 0x3a) {
      this.#state = isSecretName(this.#name) ? 'secret' : 'value'
    } else if (this.#name.length < longestName) this.#name += String.fromCharCode(byte)
  }
}

/** A scheme and what follows, or several cookies. */
const secretText = /^(?:basic|bearer|digest|negotiate|ntlm|apikey)\s+\S|^[^\s=;,]+=[^;]*;\s*[^\s=;,]+=/i

/** Hides the value when its name, or what it looks like, says that it is a secret. In place. */
export function maskValue(name: string, bytes: Buffer): void {
  if (bytes.length === 0) return
  if (isSecretName(name) || secretText.test(bytes.toString('latin1', 0, 256))) {
    bytes.fill(star)
    return
  }
  maskPairs(bytes)
  if (bytes.includes(0x3a)) new HeaderMasker().mask(bytes)
}

function maskPairs(bytes: Buffer): void {
  for (const { name, value } of readHeaderPairs(bytes).pairs) if (isSecretName(name)) value.fill(star)
}

function maskData(name: string, data: TypedData): void {
  if (data.type === 'string') maskValue(name, data.bytes)
  else if (data.type === 'binary') maskValue(name, data.value)
}

/** The payload of a whole NOTIFY, in place, as far as it can be read. */
export function maskNotify(payload: Buffer): void {
  const reader = createReader(payload)
  untilBroken(payload, () => {
    while (reader.remaining > 0) {
      readString(reader)
      for (let left = reader.uint8(); left > 0; left--) {
        const name = readString(reader)
        maskData(name, decodeTypedData(reader))
      }
    }
  })
}

/** The payload of an ACK, in place, as far as it can be read. */
export function maskAck(payload: Buffer): void {
  const reader = createReader(payload)
  untilBroken(payload, () => {
    while (reader.remaining > 0) {
      const hasValue = reader.uint8() === 1
      reader.skip(2)
      const name = readString(reader)
      if (hasValue) maskData(name, decodeTypedData(reader))
    }
  })
}

/** What cannot be read may still hold header lines. */
function untilBroken(payload: Buffer, walk: () => void): void {
  try {
    walk()
  } catch (error) {
    if (!(error instanceof SpopError)) throw error
    maskLoose(payload)
  }
}

/** Bytes that are of no known form: header lines are hidden wherever they begin. In place. */
export function maskLoose(bytes: Buffer): void {
  const text = bytes.toString('latin1')
  for (const match of text.matchAll(/([\w-]+):[ \t]*([^\r\n]+)/g)) {
    const [all, name = '', value = ''] = match
    if (isSecretName(name))
      bytes.fill(star, match.index + all.length - value.length, match.index + all.length)
  }
}
