/** One request of FastCGI: what was sent of it, and what came back. */
import { decodePairs } from '../fcgi/codec/name-value.ts'
import type { Detail, Finding, NamedValue } from './entry.ts'
import { findFcgi } from './fcgi-rules.ts'
import { HeldPieces, type HeldPiece } from './held-pieces.ts'
import { HeaderMasker, maskValue } from './mask.ts'

/** No head, and no parameters, are looked at beyond that. In bytes. */
const mostHeld = 0x10_0000
const mostHead = 65_536

/** What a record adds to its request. */
export interface RequestStep {
  readonly findings: readonly Finding[]
  readonly details: readonly Detail[]
  /** Records that were kept back, and may be written now. */
  readonly released: readonly HeldPiece[]
}

const nothing: RequestStep = { findings: [], details: [], released: [] }

/** See the head of this file. */
export class FcgiRequest {
  readonly id: number
  /** Of BEGIN_REQUEST, in milliseconds. */
  readonly time: number
  readonly isResponder: boolean
  readonly #showSecrets: boolean
  readonly #params = new HeldPieces()
  #paramsEnded = false
  #contentLength: string | undefined
  #stdin = 0
  #stdinEnded = false
  readonly #masker = new HeaderMasker()
  /** Undefined when it was told. */
  #head: string | undefined = ''
  stdout = 0

  constructor(id: number, time: number, isResponder: boolean, showSecrets: boolean) {
    this.id = id
    this.time = time
    this.isResponder = isResponder
    this.#showSecrets = showSecrets
  }

  /** Whether the head of the answer has come. */
  get hasHead(): boolean {
    return this.#head === undefined
  }

  /** PARAMS: an empty record ends them. */
  takeParams(piece: HeldPiece): RequestStep {
    this.#params.add(piece)
    if (piece.payload.length > 0 && this.#params.size <= mostHeld) return nothing
    this.#paramsEnded = true
    const joined = this.#params.joined()
    const sizes = this.#params.sizes()
    const values: NamedValue[] = []
    const ends = new Set<number>([0])
    try {
      decodePairs(joined, 0, joined.length, (bytes, nameAt, nameEnd, valueAt, valueEnd) => {
        const name = bytes.toString('latin1', nameAt, nameEnd)
        const value = bytes.subarray(valueAt, valueEnd)
        if (!this.#showSecrets) maskValue(name, value)
        if (name === 'CONTENT_LENGTH') this.#contentLength = value.toString('latin1')
        values.push({ name, type: 'string', value: value.toString('latin1') })
        ends.add(valueEnd)
      })
    } catch (error) {
      const findings = [findFcgi('record.undecodable', 4, (error as Error).message)]
      return { ...nothing, findings, released: this.release(undefined) }
    }
    const details = [{ kind: 'params', name: '', values }]
    return { findings: this.#judgeParams(values, sizes, ends), details, released: this.release(joined) }
  }

  #judgeParams(
    values: readonly NamedValue[],
    sizes: readonly number[],
    ends: ReadonlySet<number>,
  ): Finding[] {
    let at = 0
    const isSplit = sizes.some((size) => !ends.has((at += size)))
    const hasScript = values.some(({ name }) => name === 'SCRIPT_FILENAME')
    return [
      ...(isSplit ? [findFcgi('params.split')] : []),
      ...(hasScript || !this.isResponder ? [] : [findFcgi('params.no-script')]),
    ]
  }

  /** What was kept back of the parameters; `masked` is all of them. */
  release(masked: Buffer | undefined): readonly HeldPiece[] {
    return this.#params.release(masked, this.#showSecrets)
  }

  /** STDIN: an empty record ends it. */
  takeStdin(size: number): RequestStep {
    const findings: Finding[] = []
    if (!this.#paramsEnded) findings.push(findFcgi('params.unended', 'STDIN'))
    if (this.#stdinEnded) findings.push(findFcgi('stdin.again'))
    else findings.push(...this.#countStdin(size))
    return { ...nothing, findings }
  }

  #countStdin(size: number): Finding[] {
    const isFirst = this.#stdin === 0 && size > 0
    this.#stdin += size
    if (isFirst && this.#paramsEnded && (this.#contentLength ?? '') === '')
      return [findFcgi('stdin.no-length')]
    if (size > 0) return []
    this.#stdinEnded = true
    const wanted = this.#contentLength ?? ''
    const isWrong = /^\d+$/.test(wanted) && Number(wanted) !== this.#stdin
    return isWrong ? [findFcgi('stdin.length', this.#stdin, wanted)] : []
  }

  /** STDOUT: secrets of its head are overwritten. */
  takeStdout(content: Buffer): RequestStep {
    this.stdout += content.length
    if (!this.#showSecrets) this.#masker.mask(content)
    if (this.#head === undefined || content.length === 0) return nothing
    this.#head += content.toString('latin1', 0, mostHead)
    const end = /\r?\n\r?\n/.exec(this.#head)
    if (end === null && this.#head.length < mostHead) return nothing
    const head = this.#head.slice(0, end?.index ?? mostHead)
    this.#head = undefined
    if (head.startsWith('HTTP/')) return { ...nothing, findings: [findFcgi('stdout.nph')] }
    const values = head.split(/\r?\n/).map((line) => {
      const colon = line.indexOf(':')
      return { name: line.slice(0, Math.max(colon, 0)), type: 'string', value: line.slice(colon + 1).trim() }
    })
    return { ...nothing, details: [{ kind: 'head', name: '', values }] }
  }

  /** END_REQUEST: what is missing. */
  judgeEnd(): Finding[] {
    return this.isResponder && !this.hasHead ? [findFcgi('stdout.no-head')] : []
  }
}
