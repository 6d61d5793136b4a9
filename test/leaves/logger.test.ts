import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTextLogger, silentLogger, SluiceError, type Logger, type LogLevel } from 'sluice'

function lines(
  least: LogLevel | undefined,
  log: (logger: ReturnType<typeof createTextLogger>) => void,
): string[] {
  const written: string[] = []
  log(createTextLogger((line) => written.push(line), least))
  return written
}

const one = (fields: object) => lines(undefined, (logger) => logger.info(fields, 'm'))[0]

test('a line is the level, the sentence and the fields', () => {
  assert.equal(one({}), 'info m')
  assert.equal(
    one({ peer: '10.0.0.1:80', path: '/run/a.sock', count: 3, on: true, none: null }),
    'info m peer=10.0.0.1:80 path=/run/a.sock count=3 on=true none=null',
  )
})

test('levels below the least are not written; the default is info', () => {
  const all = (logger: Logger) => {
    logger.debug({}, 'm')
    logger.info({}, 'm')
    logger.warn({}, 'm')
    logger.error({}, 'm')
  }
  const levels = ['debug m', 'info m', 'warn m', 'error m']
  assert.deepEqual(lines('debug', all), levels)
  assert.deepEqual(lines(undefined, all), levels.slice(1))
  assert.deepEqual(lines('warn', all), levels.slice(2))
  assert.deepEqual(lines('error', all), levels.slice(3))
  all(silentLogger)
})

test('the level may be set while the logger is in use', () => {
  const written = lines('warn', (logger) => {
    logger.debug({}, 'unheard')
    logger.level = 'debug'
    logger.debug({}, 'heard')
    logger.level = 'error'
    logger.warn({}, 'unheard')
  })
  assert.deepEqual(written, ['debug heard'])
})

test('a value with other characters than words is quoted: a peer cannot forge fields or lines', () => {
  assert.equal(one({ a: 'x y' }), 'info m a="x y"')
  assert.equal(one({ a: '' }), 'info m a=""')
  assert.equal(one({ a: 'x\ninfo forged b=1' }), String.raw`info m a="x\ninfo forged b=1"`)
  assert.equal(one({ a: 'x"=y' }), String.raw`info m a="x\"=y"`)
  assert.equal(one({ a: '\u001b[31mred' }), String.raw`info m a="\u001b[31mred"`)
  assert.equal(
    one({ a: '\u007f\u0080\u009b31m\u2028\u2029\u00a0' }),
    `info m a="\\u007f\\u0080\\u009b31m\\u2028\\u2029\u00a0"`,
  )
})

test('an error says its code and its message', () => {
  assert.equal(one({ err: new Error('no way') }), 'info m err="no way"')
  assert.equal(
    one({ err: new SluiceError('ERR_X', 'a\nb', { fault: 'io' }) }),
    String.raw`info m err="ERR_X: a\nb"`,
  )
  assert.equal(one({ err: Object.assign(new Error('e'), { code: 5 }) }), 'info m err="e"')
})

test('no value makes it throw', () => {
  const cyclic: Record<string, unknown> = {}
  cyclic['self'] = cyclic
  assert.equal(one({ id: 2n ** 64n }), 'info m id=18446744073709551616')
  assert.equal(one({ ids: { id: 5n } }), 'info m ids={"id":"5"}')
  assert.equal(one({ a: cyclic, b: 1 }), 'info m a="[circular]" b=1')
  assert.equal(one({ a: undefined, b: Symbol('s'), c: () => 1 }), 'info m a=undefined b=symbol c=function')
  assert.equal(one({ a: { list: [1, 'x'] } }), 'info m a={"list":[1,"x"]}')
})
