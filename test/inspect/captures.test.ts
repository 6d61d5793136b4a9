/** What real HAProxys and an agent that is not ours have said, through the inspector. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FrameEntry } from '#src/inspect/entry.js'
import { capturedVersions } from '../support/captures.ts'
import { captured, findings, inspect } from './support.ts'

for (const version of capturedVersions) {
  const fragments = version === '2.6.12' || version === '3.0.0'
  test(`HAProxy ${version}: every frame is read, and nothing is wrong that was not`, () => {
    const entries = inspect(captured(version), { processingTimeout: 1000 })
    const frames = entries.filter((entry): entry is FrameEntry => entry.kind === 'frame')
    assert.ok(frames.length > 10)
    assert.deepEqual(
      entries.filter(({ kind }) => kind === 'broken' || kind === 'silence'),
      [],
    )
    const wrong = findings(entries).filter(({ severity }) => severity !== 'note')
    assert.deepEqual(
      wrong.map(({ rule }) => rule),
      // The agent of the captures answers the large message with a larger ACK, and HAProxy leaves: status 3.
      fragments ? ['frame.oversize', 'disconnect.status'] : [],
    )
    assert.match(wrong[1]?.text ?? 'status 3', /status 3/)
    const acks = frames.filter(({ name }) => name === 'ACK')
    assert.ok(acks.length >= 9 && acks.every(({ after }) => after !== undefined && after >= 0))
    const asked = frames.flatMap(({ messages }) => messages)
    const expected = ['echo-group', 'echo-two', 'echo-types']
    if (fragments) expected.unshift('echo-frag')
    assert.deepEqual([...new Set(asked)].sort(), expected)
  })
}

test('HAProxy 2.6.12: the large NOTIFY comes in fragments, and is read when it is whole', () => {
  const frames = inspect(captured('2.6.12')).filter((entry): entry is FrameEntry => entry.kind === 'frame')
  const pieces = frames.filter(({ ids, from }) => ids === '3/1' && from === 'client')
  assert.ok(pieces.length > 3)
  assert.deepEqual(
    pieces.map(({ continues }) => continues),
    pieces.map((_, at) => at < pieces.length - 1),
  )
  const messages = pieces.at(-1)?.details ?? []
  assert.deepEqual(
    messages.map(({ name }) => name),
    ['echo-types', 'echo-two', 'echo-frag'],
  )
  assert.deepEqual(pieces.at(-1)?.messages, ['echo-types', 'echo-two', 'echo-frag'])
  const values = messages.flatMap((message) => message.values)
  const large = values.filter(({ value }) => typeof value === 'string' && /z{2500}|(7a){2500}/.test(value))
  assert.equal(large.length, 2)
})
