/**
 * `set-var` with conditions and `unset-var`, in every scope, beside HAProxy: each state that a variable can be in, each
 * condition, values of several types; then random sequences. One request evaluates them all.
 */
import assert from 'node:assert/strict'
import type { Buffer } from 'node:buffer'
import { connect, createServer } from 'node:net'
import { after, before, test } from 'node:test'
import { compileExpression, toStr, VariableStore, variableScopes } from '#src/sample/index.js'
import type { SetCondition, VariableScope } from '#src/sample/index.js'
import type { Haproxy } from '../support/haproxy.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { compileContext, testStream, word } from '../support/sample-stream.ts'

const skip = skipWithoutHaproxy()

type Operation = readonly [value: string, ...conditions: SetCondition[]] | 'unset'

const states: readonly (readonly Operation[])[] = [
  [],
  [['int(5)']],
  [['str(x)']],
  [['str()']],
  [['int(5)'], 'unset'],
  [['int(1)', 'ifset']],
  [['str(x)', 'ifempty']],
  [['str()', 'ifnotempty']],
  [['int(1)', 'ifexists']],
]

const conditions: readonly (readonly SetCondition[])[] = [
  [],
  ['ifexists'],
  ['ifnotexists'],
  ['ifempty'],
  ['ifnotempty'],
  ['ifset'],
  ['ifnotset'],
  ['ifgt'],
  ['iflt'],
  ['ifexists', 'ifset'],
  ['ifnotset', 'ifnotempty'],
  ['ifset', 'ifgt'],
  ['ifnotexists', 'ifempty'],
]

const values = ['int(4)', 'int(5)', 'int(6)', 'str()', 'str(y)', 'ipv4(192.0.2.1)', 'bool(1)', 'meth(GET)']

const grid = states.flatMap((state) =>
  conditions.flatMap((each) => values.map((value): readonly Operation[] => [...state, [value, ...each]])),
)

/** A small generator, so that every run tries the same. */
function* numbers(): Generator<number, never> {
  for (let seed = 1; ; seed = (seed * 48_271) % 0x7fff_ffff) yield seed
}

const random = (
  (source = numbers()) =>
  (limit: number) =>
    source.next().value % limit
)()
const pick = <Item>(list: readonly Item[]): Item => list[random(list.length)] as Item // the list is not empty

const sequences = Array.from({ length: 200 }, () =>
  Array.from({ length: 2 + random(6) }, (): Operation =>
    random(5) === 0 ? 'unset' : [pick(values), ...pick(conditions)],
  ),
)

const cases = [...grid, ...sequences]

const nameOf = (scope: VariableScope, at: number): string => `${scope}.c${at}`

function rules(kind: 'request' | 'response', scope: VariableScope): string {
  const lines = cases.flatMap((operations, at) => {
    const name = nameOf(scope, at)
    return operations.map((operation) => {
      if (operation === 'unset') return `  http-${kind} unset-var(${name})`
      const [value, ...when] = operation
      return `  http-${kind} set-var(${[name, ...when].join(',')}) ${value}`
    })
  })
  return lines.join('\n')
}

const page = (scope: VariableScope): string =>
  cases.map((_, at) => `%[var(${nameOf(scope, at)},not-set)]\n`).join('')

let haproxy: Haproxy<VariableScope | 'origin'>

const origin = createServer((socket) => {
  socket.on('error', () => {})
  socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'))
})

before(async () => {
  if (skip !== false) return
  haproxy = await startHaproxy({
    ports: [...variableScopes, 'origin'],
    foreign: ['origin'],
    files: Object.fromEntries(variableScopes.map((scope) => [`${scope}.lf`, page(scope)])),
    config: (ports) => `
global
  tune.bufsize 131072
defaults
  mode http
  timeout client 10s
  timeout server 10s
  timeout connect 5s
${variableScopes.map((scope) => section(scope, ports[scope], ports.origin)).join('\n')}
`,
  })
  await new Promise<void>((resolve) => origin.listen(haproxy.ports.origin, '127.0.0.1', resolve))
})

function section(scope: VariableScope, port: number, server: number): string {
  const kind = scope === 'res' ? 'response' : 'request'
  return [
    `listen ${scope}`,
    `  bind 127.0.0.1:${port}`,
    `  server s1 127.0.0.1:${server}`,
    rules(kind, scope),
    `  http-${kind} return status 200 content-type text/plain lf-file ${scope}.lf`,
  ].join('\n')
}

after(async () => {
  origin.close()
  await haproxy?.stop()
})

function ask(port: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.0\r\n\r\n'))
    let text = ''
    socket.setEncoding('latin1')
    socket.on('data', (chunk: Buffer | string) => (text += chunk.toString()))
    socket.on('error', reject)
    socket.on('close', () =>
      resolve(
        text
          .slice(text.indexOf('\r\n\r\n') + 4)
          .split('\n')
          .slice(0, -1),
      ),
    )
  })
}

function ours(scope: VariableScope): string[] {
  const permanent = scope === 'proc' ? cases.map((_, at) => `c${at}`) : []
  const store = new VariableStore({ permanent })
  return cases.map((operations, at) => {
    const name = `c${at}`
    for (const operation of operations) {
      if (operation === 'unset') store.unset(name)
      else {
        const [expression, ...when] = operation
        const value = compileExpression(word(expression), compileContext())?.evaluate(testStream())
        assert.ok(value !== undefined)
        store.set(name, value, when)
      }
    }
    const value = store.get(name)
    const text = value === undefined ? undefined : toStr(value)
    return text === undefined ? 'not-set' : String(text.value)
  })
}

for (const scope of variableScopes)
  test(`conditions of set-var in the scope ${scope}`, { skip }, async () => {
    const theirs = await ask(haproxy.ports[scope])
    assert.equal(theirs.length, cases.length)
    const mine = ours(scope)
    const differences = cases.flatMap((operations, at) =>
      theirs[at] === mine[at]
        ? []
        : [`${JSON.stringify(operations)}: haproxy ${theirs[at]}, ours ${mine[at]}`],
    )
    assert.deepEqual(differences, [], differences.slice(0, 40).join('\n'))
  })
