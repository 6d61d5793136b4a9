/** Sources and checks: what they say, and what becomes of those that fail. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { StatusBoard } from '#src/status/board.js'

describe('sources', () => {
  it('say what they say when they are asked, and are in trouble when they say so, are stale, or throw', () => {
    const board = new StatusBoard()
    let age = 10
    board.source('fresh', () => ({ kind: 'list', ageSeconds: age, maxAgeSeconds: 60, entries: 3 }))
    board.source('dead', () => ({ ok: false, detail: 'refused' }))
    board.source('broken', () => {
      throw new Error('no')
    })
    board.source('odd', () => ({ detail: undefined, open: true }))
    assert.deepEqual(board.readSources(), [
      {
        name: 'fresh',
        ok: true,
        fields: { kind: 'list', ageSeconds: 10, maxAgeSeconds: 60, entries: 3 },
      },
      { name: 'dead', ok: false, fields: { ok: false, detail: 'refused' } },
      { name: 'broken', ok: false, fields: { detail: 'no' } },
      { name: 'odd', ok: true, fields: { open: true } },
    ])
    age = 61
    assert.equal(board.readSources()[0]?.ok, false)
  })

  it('are replaced by the next one of their name, and taken away only by themselves', () => {
    const board = new StatusBoard()
    const first = board.source('a', () => ({ entries: 1 }))
    const second = board.source('a', () => ({ entries: 2 }))
    first()
    assert.deepEqual(
      board.readSources().map(({ fields }) => fields['entries']),
      [2],
    )
    second()
    assert.deepEqual(board.readSources(), [])
  })
})

describe('checks', () => {
  it('are well with true alone; words say why not', () => {
    const board = new StatusBoard()
    board.check('yes', () => true)
    board.check('no', () => false)
    board.check('why', () => 'the store is away')
    board.check('throws', () => {
      throw new Error('broken')
    })
    assert.deepEqual(board.readChecks(), [
      { name: 'yes', ok: true, detail: '' },
      { name: 'no', ok: false, detail: 'no' },
      { name: 'why', ok: false, detail: 'the store is away' },
      { name: 'throws', ok: false, detail: 'broken' },
    ])
  })
})

it('what is no name, or no function, is refused', () => {
  const board = new StatusBoard()
  const wrong = [
    () => board.source('', () => ({})),
    () => board.source(5 as never, () => ({})),
    () => board.source('a', {} as never),
    () => board.check('a', true as never),
  ]
  for (const each of wrong) assert.throws(each, { code: 'ERR_SLUICE_OPTION' })
})
