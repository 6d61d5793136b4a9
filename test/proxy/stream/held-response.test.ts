/** What came of a response's body while its rules ran is sent behind the head, with its end when that has come. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { lookAt } from '#src/base/lent.js'
import { HeaderList } from '#src/http1/index.js'
import { HeldResponse } from '#src/proxy/stream/held-response.js'

const add = (held: HeldResponse, text: string, done: boolean) =>
  held.add(text === '' ? [] : [Buffer.from(text)], done, undefined)

function sent(held: HeldResponse, room = true): string {
  let text = ''
  const more = held.sendTo({
    sendBody: (pieces, done, trailers) => {
      text = `${Buffer.concat(pieces.map(lookAt)).toString()}${done ? '.' : ''}${trailers?.get('x') ?? ''}`
      return room
    },
  })
  return `${text}|${more ? 'more' : 'full'}`
}

it('a held response is handed on as far as it came', () => {
  const cases: readonly (readonly [readonly (readonly [string, boolean])[], string])[] = [
    [[], '|more'],
    [[['ab', false]], 'ab|more'],
    [[['ab', true]], 'ab.|more'],
    [[['', true]], '.|more'],
    [
      [
        ['ab', false],
        ['cd', false],
      ],
      'abcd|more',
    ],
    [
      [
        ['ab', false],
        ['', true],
      ],
      'ab.|more',
    ],
  ]
  for (const [parts, wanted] of cases) {
    const held = new HeldResponse()
    for (const [text, done] of parts) add(held, text, done)
    assert.equal(held.complete, parts.at(-1)?.[1] ?? false)
    assert.equal(held.size, parts.map(([text]) => text).join('').length)
    assert.equal(sent(held), wanted)
    // The first pieces go out once.
    assert.equal(held.size, 0)
  }
})

it('a held response tells whether there is room, keeps its trailers, and is nothing once dropped', () => {
  const held = new HeldResponse()
  add(held, 'ab', false)
  assert.equal(sent(held, false), 'ab|full')
  const other = new HeldResponse()
  const trailers = new HeaderList()
  trailers.add('x', 'y')
  other.add([], true, trailers)
  assert.equal(sent(other), '.y|more')
})
