/**
 * What the functions of this folder are given, and how it is checked. Compilers have checked it already where there is
 * one; a check costs a comparison or two, and gives a sentence instead of a TypeError from somewhere inside.
 */
import { Reader } from '../bytes/reader.ts'
import { Writer } from '../bytes/writer.ts'
import { refuseArgument, show } from '../base/options.ts'
import { SpopError } from './errors.ts'

/** @throws UsageError `ERR_SLUICE_OPTION`. */
export function checkReader(given: Reader): void {
  if (!(given instanceof Reader))
    refuseArgument('the reader', 'must be a Reader, such as createReader() makes', given)
}

/** @throws UsageError `ERR_SLUICE_OPTION`. */
export function checkWriter(given: Writer): void {
  if (!(given instanceof Writer)) refuseArgument('the writer', 'must be a Writer', given)
}

/** @throws UsageError `ERR_SLUICE_OPTION`. */
export function checkText(what: string, given: string): void {
  if (typeof given !== 'string') refuseArgument(what, 'must be a string', given)
}

/** @throws UsageError `ERR_SLUICE_OPTION`. */
export function checkBytes(what: string, given: Uint8Array): void {
  if (!(given instanceof Uint8Array)) refuseArgument(what, 'must be a Buffer or a Uint8Array', given)
}

/** Something with fields: which ones is for the caller to check. @throws UsageError `ERR_SLUICE_OPTION`. */
export function checkObject(what: string, given: object): void {
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given)
  if (!isObject) refuseArgument(what, 'must be an object', given)
}

/** An array, or anything else that can be walked. @throws UsageError `ERR_SLUICE_OPTION`. */
export function checkIterable(what: string, given: Iterable<unknown>): void {
  if (Array.isArray(given)) return
  const isIterable = typeof given === 'object' && given !== null && Symbol.iterator in given
  if (!isIterable) refuseArgument(what, 'must be an array', given)
}

/** Stream and frame id, of up to 64 bits each. @throws SpopError `ERR_SPOP_VALUE`. */
export function checkIds(streamId: number | bigint, frameId: number | bigint): void {
  if (!isId(streamId)) refuseId('stream', streamId)
  if (!isId(frameId)) refuseId('frame', frameId)
}

function isId(given: number | bigint): boolean {
  if (typeof given === 'bigint') return given >= 0n && given < 2n ** 64n
  return Number.isSafeInteger(given) && given >= 0
}

function refuseId(which: string, given: unknown): never {
  throw new SpopError(
    'ERR_SPOP_VALUE',
    `the ${which} id ${show(given)} is no whole number from 0 to 2^64-1`,
    { fault: 'local' },
  )
}
