import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VariableNames, VariableStore, parseVariableName, sint, str } from '#src/sample/index.js'

test('names have a scope and few characters', () => {
  assert.deepEqual(parseVariableName('txn.my_app.Score2'), { scope: 'txn', name: 'my_app.Score2' })
  for (const wrong of ['score', 'foo.x', 'txn.', 'txn', '', '.x', 'check.x'])
    assert.match(parseVariableName(wrong) as string, /must start with its scope/, wrong)
  assert.match(parseVariableName('txn.a-b') as string, /has the character '-'/)
})

test('the set of known names tells scopes apart', () => {
  const names = new VariableNames()
  names.register({ scope: 'sess', name: 'a' })
  names.register({ scope: 'proc', name: 'b' })
  assert.equal(names.has({ scope: 'sess', name: 'a' }), true)
  assert.equal(names.has({ scope: 'txn', name: 'a' }), false)
  assert.deepEqual(names.list(), ['proc.b', 'sess.a'])
})

test('names from the wire are no properties', () => {
  const store = new VariableStore()
  assert.equal(store.get('__proto__'), undefined)
  store.set('constructor', sint(1))
  assert.deepEqual([...store.entries()], [['constructor', sint(1)]])
  assert.equal(store.unset('toString'), false)
})

test('conditions decide whether a value is stored', () => {
  const store = new VariableStore()
  assert.equal(store.set('a', sint(1), ['ifexists']), false)
  assert.equal(store.set('a', sint(5), ['ifnotexists']), true)
  assert.equal(store.set('a', sint(6), ['ifnotset']), false)
  assert.equal(store.set('a', sint(6), ['ifgt']), false)
  assert.equal(store.set('a', sint(4), ['ifgt']), true)
  assert.equal(store.set('a', sint(3), ['iflt']), false)
  assert.equal(store.set('a', str('x'), ['iflt']), true)
  assert.equal(store.set('a', str(''), ['ifnotempty']), false)
  assert.equal(store.set('a', str(''), ['ifempty', 'ifset']), true)
  assert.equal(store.set('a', sint(0), ['ifempty']), false)
  assert.equal(store.set('a', sint(0), ['ifnotempty']), true)
  assert.deepEqual(store.get('a'), sint(0))
})

test('many names are found, and what is unset leaves the others', () => {
  for (const count of [1, 2, 16, 17, 18, 40]) {
    const store = new VariableStore({ permanent: ['n0'] })
    const names = Array.from({ length: count }, (_, at) => `n${at}`)
    for (const [at, name] of names.entries()) assert.equal(store.set(name, sint(at)), true)
    // From the middle outwards and back again; the permanent one stays, unset.
    for (const gone of [`n${count >> 1}`, `n${count - 1}`, 'n0']) {
      const before = store.count
      const was = store.get(gone) !== undefined
      assert.equal(store.unset(gone), was, gone)
      assert.equal(store.count, was ? before - 1 : before)
      assert.equal(store.get(gone), undefined)
      for (const [at, name] of names.entries()) {
        const value = store.get(name)
        if (value !== undefined) assert.deepEqual(value, sint(at), name)
      }
    }
    assert.equal(store.set('n0', sint(7), ['ifexists']), true)
    for (const [at, name] of names.entries()) store.set(name, sint(at + 1))
    assert.equal(store.count, count)
    assert.deepEqual(new Map(store.entries()).get(`n${count - 1}`), sint(count))
    store.clear()
    assert.equal(store.count, 0)
    assert.equal(store.get(`n${count - 1}`), undefined)
  }
})

test('limits count the stores within, and give back what is unset', () => {
  // Each variable counts 80 bytes, and those of its text.
  const session = new VariableStore({ maxSize: 332 })
  const transaction = new VariableStore({ parent: session, maxSize: 216 })
  assert.equal(transaction.set('a', str('x'.repeat(136))), true)
  assert.equal(transaction.set('b', sint(1)), false)
  assert.equal(session.set('c', str('x'.repeat(40))), false)
  assert.equal(session.set('c', str('x'.repeat(36))), true)
  assert.equal(transaction.set('a', str('y'.repeat(137))), false)
  assert.equal(transaction.set('a', str('y')), true)
  assert.equal(transaction.unset('a'), true)
  assert.equal(transaction.set('d', str('x'.repeat(136))), true)
  transaction.clear()
  assert.equal(transaction.count, 0)
  assert.equal(session.set('c', str('x'.repeat(236))), true)
})
