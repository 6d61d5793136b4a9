/**
 * What the public functions are given, and how it is checked: before anything is begun, with a sentence that names the
 * argument. A compiler has checked it already where there is one; a check costs a comparison or two, for the sentence is
 * made when it is needed.
 */
import { Buffer } from 'node:buffer'
import { Writer } from '../bytes/writer.ts'
import { errorMessage, SluiceError, UsageError } from '../base/errors.ts'
import { requireArgument, show } from '../base/options.ts'

/**
 * Runs `read`, which looks at what somebody else has made: a property may be a getter, and throw.
 * @throws UsageError `ERR_SLUICE_OPTION` for whatever else was thrown.
 */
export function readArgument<T>(what: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw unreadable(what, error)
  }
}

/** What {@link readArgument} throws, for hot paths, which make no function for each call. */
export function unreadable(what: string, error: unknown): unknown {
  if (error instanceof SluiceError) return error
  return new UsageError('ERR_SLUICE_OPTION', `${what} cannot be read: ${errorMessage(error)}`, error)
}

/** Something with fields, of whatever class. @throws UsageError `ERR_SLUICE_OPTION`. */
export function checkObject(what: string, given: object): void {
  const isRight = typeof given === 'object' && given !== null && !Array.isArray(given)
  requireArgument(isRight, what, 'must be an object', given)
}

/** Methods that must be there, and others that may be. @throws UsageError `ERR_SLUICE_OPTION`. */
export function checkMethods<T extends object>(
  what: string,
  given: T,
  required: readonly (keyof T & string)[],
  optional: readonly (keyof T & string)[] = [],
): void {
  checkObject(what, given)
  try {
    for (const name of required) {
      if (typeof given[name] !== 'function') checkFunction(`${what}: ${name}`, given[name])
    }
    for (const name of optional) {
      if (given[name] !== undefined) checkFunction(`${what}: ${name}`, given[name])
    }
  } catch (error) {
    throw unreadable(what, error)
  }
}

/** Two fields that are limits. @throws UsageError `ERR_SLUICE_OPTION`. */
export function checkLimits(what: string, read: () => readonly [one: unknown, other: unknown]): void {
  let given: readonly unknown[]
  try {
    given = read()
  } catch (error) {
    throw unreadable(what, error)
  }
  for (const each of given) checkInteger(what, each, Number.MAX_SAFE_INTEGER)
}

/** @throws UsageError `ERR_SLUICE_OPTION`. */
export function checkFunction(what: string, given: unknown): void {
  requireArgument(typeof given === 'function', what, 'must be a function', given)
}

/** @throws UsageError `ERR_SLUICE_OPTION`. */
export function checkText(what: string, given: unknown): void {
  requireArgument(typeof given === 'string', what, 'must be a string', given)
}

/** @throws UsageError `ERR_SLUICE_OPTION`. */
export function checkFlag(what: string, given: unknown): void {
  requireArgument(typeof given === 'boolean', what, 'must be true or false', given)
}

/** @throws UsageError `ERR_SLUICE_OPTION`. */
export function checkInteger(what: string, given: unknown, max: number, min = 0): void {
  if (Number.isInteger(given) && (given as number) >= min && (given as number) <= max) return
  requireArgument(false, what, `must be a whole number from ${min} to ${max}`, given)
}

/** @throws UsageError `ERR_SLUICE_OPTION`. */
export function checkBytes(what: string, given: unknown): void {
  requireArgument(given instanceof Uint8Array, what, 'must be a Buffer or a Uint8Array', given)
}

/** @throws UsageError `ERR_SLUICE_OPTION`. */
export function checkBuffer(what: string, given: unknown): void {
  requireArgument(Buffer.isBuffer(given), what, 'must be a Buffer', given)
}

/** @throws UsageError `ERR_SLUICE_OPTION`. */
export function checkWriter(given: unknown): void {
  requireArgument(given instanceof Writer, 'the writer', 'must be a Writer', given)
}

/** @throws UsageError `ERR_SLUICE_OPTION`. */
export function checkEncoding(given: unknown): void {
  requireArgument(given === 'latin1' || given === 'utf8', 'the encoding', 'must be latin1 or utf8', given)
}

/**
 * A part of a buffer; answers where it ends, which is the buffer's end when `end` is not given.
 * @throws UsageError `ERR_SLUICE_OPTION`.
 */
export function checkRange(bytes: Buffer, start: number, end: number | undefined): number {
  checkBuffer('the bytes', bytes)
  const stop = end === undefined ? bytes.length : end
  checkInteger('the end', stop, bytes.length)
  checkInteger('the start', start, stop)
  return stop
}

/** What can be walked, a string not among it. @throws UsageError `ERR_SLUICE_OPTION`. */
export function checkIterable(what: string, given: unknown, rule: string): void {
  const isRight = typeof given === 'object' && given !== null && Symbol.iterator in given
  requireArgument(isRight, what, rule, given)
}

/** Whether something can be the name and the value of a parameter. */
export function isParam(name: unknown, value: unknown): boolean {
  return typeof name === 'string' && (typeof value === 'string' || value instanceof Uint8Array)
}

/** Says what is wrong with what is no parameter. @throws UsageError `ERR_SLUICE_OPTION`, always. */
export function refuseParam(given: unknown): never {
  const isPair = Array.isArray(given) && given.length === 2
  requireArgument(isPair, 'a parameter', 'must be a name and a value', given)
  const [name, value] = given as [unknown, unknown]
  checkText('the name of a parameter', name)
  throw new UsageError(
    'ERR_SLUICE_OPTION',
    `the parameter ${show(name)} must be a string or bytes, not ${show(value)}`,
  )
}

/** Parameters: a Map, pairs, or what is like a Map. @throws UsageError `ERR_SLUICE_OPTION`. */
export function checkParams(given: unknown): void {
  const rule = 'must be a Map or an array of pairs'
  checkIterable('the parameters', given, rule)
  const isRight = Array.isArray(given) || typeof (given as Partial<Map<string, unknown>>).get === 'function'
  requireArgument(isRight, 'the parameters', rule, given)
  if (given instanceof Map) {
    // No pair is made for an entry this way.
    given.forEach((value: unknown, name: unknown) => {
      if (!isParam(name, value)) refuseParam([name, value])
    })
    return
  }
  for (const pair of given as Iterable<unknown>) {
    if (!Array.isArray(pair) || pair.length !== 2 || !isParam(pair[0], pair[1])) refuseParam(pair)
  }
}
