import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { SluiceError, UsageError } from 'sluice'
import {
  boolean,
  integer,
  oneOf,
  optional,
  requireArgument,
  resolveOptions,
  show,
  string,
  strings,
  type OptionSpec,
  type Specs,
} from '#src/base/options.js'

interface Options {
  size?: number
  name?: string
  on?: boolean
  mode?: 'fast' | 'slow'
  list?: readonly string[]
  onDone?: (() => void) | undefined
}

const specs: Specs<Options> = {
  size: integer(10, { min: 1, max: 100 }),
  name: string('x'),
  on: boolean(true),
  mode: oneOf('fast', ['fast', 'slow']),
  list: strings([]),
  onDone: optional<() => void>('function'),
}

const resolve = (given: unknown) => resolveOptions<Options>(specs, given as Options, 'createThing')
const complaint = (given: unknown): string => {
  try {
    resolve(given)
  } catch (error) {
    assert.ok(error instanceof UsageError && error instanceof SluiceError)
    assert.equal(error.code, 'ERR_SLUICE_OPTION')
    assert.equal(error.fault, 'local')
    return error.message
  }
  return 'none'
}

test('gaps are filled, and the result is frozen with every key present', () => {
  const result = resolve({})
  assert.deepEqual(result, { size: 10, name: 'x', on: true, mode: 'fast', list: [], onDone: undefined })
  assert.ok(Object.isFrozen(result))
  assert.ok('onDone' in result)
})

test('given values are kept, false and zero and empty ones too; undefined counts as not given', () => {
  const onDone = () => {}
  const given = { size: 1, name: '', on: false, mode: 'slow', list: ['a'], onDone } as const
  assert.deepEqual(resolve(given), given)
  assert.deepEqual(resolve({ size: undefined, on: undefined }), resolve({}))
})

test('an unknown option is named, and so are those that exist', () => {
  assert.equal(
    complaint({ sizes: 1 }),
    "createThing: unknown option 'sizes'; did you mean 'size'? Known are size, name, on, mode, list, onDone",
  )
  assert.match(complaint({ toString: 1 }), /unknown option 'toString'; known are size, /)
  assert.match(complaint(JSON.parse('{"__proto__": 1}')), /unknown option '__proto__'/)
})

test('a wrong value is told with the option, the rule and the value', () => {
  const rule = "createThing: option 'size' must be a whole number from 1 to 100, not "
  const cyclic: unknown[] = []
  cyclic.push(cyclic)
  for (const [value, shown] of [
    [0, '0'],
    [101, '101'],
    [1.5, '1.5'],
    [NaN, 'NaN'],
    [Infinity, 'Infinity'],
    ['5', "'5'"],
    [5n, '5n'],
    [null, 'null'],
    [true, 'true'],
    [[1], '[1]'],
    [() => 1, 'a function'],
    [Symbol('s'), 'symbol'],
    [cyclic, 'an object'],
  ] as const) {
    assert.equal(complaint({ size: value }), rule + shown)
  }
  assert.match(complaint({ name: 1 }), /option 'name' must be a string, not 1/)
  assert.match(complaint({ on: 'yes' }), /option 'on' must be true or false, not 'yes'/)
  assert.match(complaint({ mode: 'medium' }), /option 'mode' must be one of fast, slow, not 'medium'/)
  assert.match(complaint({ list: 'a' }), /option 'list' must be an array of strings, not 'a'/)
  assert.match(complaint({ list: ['a', 1] }), /option 'list' must be an array of strings, not \["a",1\]/)
  assert.match(complaint({ onDone: {} }), /option 'onDone' must be a function, not \{\}/)
  assert.match(complaint({ onDone: null }), /option 'onDone' must be a function, not null/)
})

test('options that are no plain object are refused', () => {
  for (const [value, shown] of [
    [null, 'null'],
    [5, '5'],
    ['text', "'text'"],
    [[], 'an instance of Array'],
    [() => 1, 'a function'],
    [new Map(), 'an instance of Map'],
    [Object.create(Object.create(Object.create(null) as object) as object), 'an object with a prototype'],
    [
      new (class Mine {
        readonly key = 'secret'
      })(),
      'an instance of Mine',
    ],
  ] as const) {
    assert.equal(complaint(value), `createThing: the options must be a plain object, not ${shown}`)
  }
  const bare: unknown = Object.assign(Object.create(null) as object, { size: 5 })
  assert.equal(resolve(bare).size, 5)
  assert.equal(resolve(runInNewContext('({ size: 5 })')).size, 5)
})

test('a whole number has no limits but those of safe integers', () => {
  const free = integer(0)
  assert.equal(free.check(0), undefined)
  assert.equal(free.check(Number.MAX_SAFE_INTEGER), undefined)
  assert.match(String(free.check(-1)), /from 0 to/)
  assert.match(String(free.check(2 ** 53)), /must be a whole number/)
  assert.equal(integer(0, { min: -5 }).check(-5), undefined)
})

test('what is wanted of an optional one is its JavaScript type', () => {
  const cases: readonly [OptionSpec<unknown>, unknown, unknown][] = [
    [optional('object'), {}, null],
    [optional('string'), '', 1],
    [optional('number'), 0, '0'],
    [optional('function'), assert, {}],
  ]
  for (const [spec, right, wrong] of cases) {
    assert.equal(spec.fallback, undefined)
    assert.equal(spec.check(right), undefined)
    assert.match(String(spec.check(wrong)), /^must be an? (object|string|number|function)$/)
  }
})

test('an argument that is no option is told in the same way', () => {
  requireArgument(true, "createThing: 'name'", 'must be a string', 5)
  assert.throws(() => requireArgument(false, "createThing: 'name'", 'must be a string', undefined), {
    code: 'ERR_SLUICE_OPTION',
    message: "createThing: 'name' must be a string, not undefined",
  })
})

test('what was given is shown in a message, as far as somebody reads it', () => {
  const long = 'x'.repeat(5_000_000)
  for (const [given, shown] of [
    ['a', /^'a'$/],
    [5n, /^5n$/],
    [NaN, /^NaN$/],
    [long, /^'x{300}… \(5000000 characters\)'$/],
    [[long], /^\["x{298}… \(5000004 characters\)$/],
  ] as const)
    assert.match(show(given), shown)
})
