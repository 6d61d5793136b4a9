import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  compileAcl,
  compileCondition,
  compileExpression,
  compileExpressionWords,
  compileLogFormat,
  defaultRegistry,
  extendRegistry,
  str,
  textOf,
  Verdict,
} from '#src/sample/index.js'
import type { ConverterSpec, FetchSpec } from '#src/sample/index.js'
import { compileContext, complaints, testStream, word, words } from '../support/sample-stream.ts'

/** The greeting of a protocol of ours: the first line of the buffer, once it is there. */
const greeting: FetchSpec = {
  name: 'x.greeting',
  aliases: ['x_greeting'],
  args: [{ name: 'fallback', type: 'str', optional: true }],
  type: 'str',
  needs: ['request-buffer'],
  doc: 'The first line.',
  build: (args, { hostname }) => {
    const fallback = args.text(0)
    return {
      one({ requestBuffer }) {
        const line = /^(.*)\n/.exec(requestBuffer?.toString('latin1') ?? '')?.[1] ?? fallback
        return line === undefined ? undefined : str(`${hostname} ${line}`)
      },
      mayChange: ({ requestBuffer }) => requestBuffer?.includes('\n') !== true,
    }
  },
}

const shout: ConverterSpec = {
  name: 'x.shout',
  args: [],
  input: 'str',
  output: 'str',
  doc: 'With an exclamation mark.',
  build: () => (value) => str(`${textOf(value)}!`),
}

const registry = extendRegistry(defaultRegistry, { fetches: [greeting], converters: [shout] })

const context = () => compileContext({ registry, checkpoint: 'tcp-request-content', mode: 'tcp' })

const stream = (sent: string, final = true) =>
  testStream({ requestBuffer: Buffer.from(sent, 'latin1'), final })

test('a fetch and a converter of a user are compiled like all others', () => {
  const first = context()
  const expression = compileExpression(word('x.greeting(none),x.shout,upper'), first)
  assert.deepEqual(complaints(first), [])
  assert.deepEqual(expression?.evaluate(stream('hello\n')), str('TEST-HOST HELLO!'))
  assert.deepEqual(expression?.evaluate(stream('')), str('TEST-HOST NONE!'))
  const format = compileLogFormat(word('%[x_greeting,x.shout]'), context(), 'log')
  assert.equal(format?.format(stream('hi\n')), 'test-host hi!')
  assert.equal(compileExpressionWords(words('src x.shout if'), 0, context())?.next, 2)
})

test('it says by itself whether it may change', () => {
  const inner = context()
  compileAcl(words('polite x.greeting -m sub hello'), inner)
  const condition = compileCondition(words('if polite'), inner)
  assert.equal(condition?.evaluate(stream('hel', false)), Verdict.Miss)
  assert.equal(condition?.evaluate(stream('hello\n', false)), Verdict.Pass)
  assert.equal(condition?.evaluate(stream('go away\n', false)), Verdict.Fail)
})

test('it is checked and complained about like all others', () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['x.greeting(a,b)', /'x\.greeting' takes at most 1/],
    ['src,x.shou', /unknown converter 'x\.shou'.*\n.*did you mean 'x\.shout'/],
    ['x.greetin', /unknown fetch 'x\.greetin'.*\n.*did you mean 'x\.greeting'/],
  ]
  for (const [text, expected] of wrong) {
    const inner = context()
    assert.equal(compileExpression(word(text), inner), undefined)
    assert.match(complaints(inner).join('\n'), expected)
  }
  const early = compileContext({ registry, checkpoint: 'tcp-request-connection' })
  assert.equal(compileExpression(word('x.greeting'), early), undefined)
  assert.match(complaints(early)[0] ?? '', /needs request buffer, not available in tcp-request-connection/)
})

test('the default registry stays as it is, and can be overridden', () => {
  assert.equal(defaultRegistry.fetches.has('x.greeting'), false)
  assert.equal(compileExpression(word('x.greeting'), compileContext()), undefined)
  const path: FetchSpec = { ...greeting, name: 'path', aliases: [] }
  const other = compileContext({ registry: extendRegistry(defaultRegistry, { fetches: [path] }) })
  assert.deepEqual(compileExpression(word('path(x)'), other)?.evaluate(stream('')), str('test-host x'))
})
