/** Recent messages: what is shown of each value, and how many there are at most. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { RecentMessages } from '#src/status/recent.js'

const at = Date.parse('2026-11-26T03:00:00Z')
const message = (name: string, value: string) => ({
  at,
  row: 'm',
  status: 'ok',
  duration: 1,
  args: [{ name, value }],
  actions: [{ name: `txn.${name}`, value }],
})

const rows: readonly (readonly [name: string, value: string, shown: string])[] = [
  ['ip', '192.0.2.1', '192.0.2.1'],
  ['path', '/a/b', '/a/b'],
  ['path', '/a?token=1&b=2', '/a?[redacted]'],
  ['url', 'https://a.example/?q', 'https://a.example/?[redacted]'],
  ['cookie', 'sid=1', '[redacted]'],
  ['Set-Cookie', 'sid=1', '[redacted]'],
  ['authorization', 'Basic abc', '[redacted]'],
  ['x_api_key', 'abc', '[redacted]'],
  ['apikey', 'abc', '[redacted]'],
  ['password', 'abc', '[redacted]'],
  ['session_id', 'abc', '[redacted]'],
  ['csrf', 'abc', '[redacted]'],
  ['hdrs', 'Host: a', '[redacted]'],
  ['body', '{}', '[redacted]'],
  ['email', 'a@b.example', '[redacted]'],
  ['method', 'GET', 'GET'],
  ['long', 'x'.repeat(500), `${'x'.repeat(119)}…`],
]

for (const [name, value, shown] of rows) {
  it(`of ${name}=${value.slice(0, 30)} it shows ${shown.slice(0, 30)}, in arguments and actions`, () => {
    const recent = new RecentMessages(5, true, ['email'])
    recent.add(message(name, value))
    const [only] = recent.list()
    assert.deepEqual(only?.args, [{ name, value: shown }])
    assert.deepEqual(only?.actions, [{ name: `txn.${name}`, value: shown }])
  })
}

it('takes ten a second, keeps as many as it may, and none while it is off', () => {
  const recent = new RecentMessages(15, false, [])
  const offer = (time: number) => {
    if (recent.wants(time)) recent.add({ ...message('a', 'b'), at: time })
  }
  offer(at)
  assert.deepEqual(recent.list(), [])
  recent.switch(true)
  for (let count = 0; count < 1000; count++) offer(at + count)
  assert.equal(recent.list().length, 10)
  for (let count = 0; count < 10_000; count++) offer(at + count)
  const list = recent.list()
  assert.equal(list.length, 15)
  assert.ok((list[0]?.id ?? 0) > (list[1]?.id ?? 0), 'the latest is the first')
  recent.switch(false)
  assert.deepEqual(recent.list(), [])
})

it('keeps the first two dozen items of a message', () => {
  const recent = new RecentMessages(1, true, [])
  const many = Array.from({ length: 255 }, (_, index) => ({ name: `a${index}`, value: '1' }))
  recent.add({ ...message('a', 'b'), args: many })
  assert.equal(recent.list()[0]?.args.length, 24)
})
