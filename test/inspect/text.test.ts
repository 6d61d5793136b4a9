/** What is printed is for a terminal: nothing from the wire may reach it as it came. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatEntry } from '#src/inspect/text.js'
import { formatJson } from '#src/inspect/json.js'
import { captured, inspect, recv, send, type Step } from './support.ts'

const options = { longestValue: 40, colour: false, sources: false }
const lines = (steps: readonly Step[]) => inspect(steps).flatMap((entry) => formatEntry(entry, options))

const hello = [
  send(
    '01 00 00 00 01 00 00 12 "supported-versions" 08 03 "2.0" 0e "max-frame-size" 03 fc f0 06 0c "capabilities" 08 00',
  ),
  recv(
    '65 00 00 00 01 00 00 07 "version" 08 03 "2.0" 0e "max-frame-size" 03 fc f0 06 0c "capabilities" 08 00',
  ),
]
const string = (text: string) => {
  const bytes = Buffer.from(text)
  return `${bytes.length.toString(16).padStart(2, '0')} ${bytes.toString('hex')}`
}

describe('text', () => {
  it('holds no control character, and none that turns the direction of text, wherever it came from', () => {
    const nasty = '\u001b[2J\n\u009b2J\u202eabc'
    const all = lines([
      ...hello,
      send(`03 00 00 00 01 07 01 ${string(`m${nasty}`)} 01 ${string(`a${nasty}`)} 08 ${string(nasty)}`),
      recv(`67 00 00 00 01 07 01 01 03 02 ${string(`v${nasty}`)} 08 ${string(nasty)} 07`),
      recv(`66 00 00 00 01 00 00 0b "status-code" 03 07 07 "message" 08 ${string(nasty)}`),
    ])
    assert.ok(all.length > 7)
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    for (const line of all) assert.doesNotMatch(line, /[\0-\x1f\x7f-\x9f\u202e]/)
  })

  it('cuts what is long, and shows headers as headers', () => {
    const [, , , long] = lines([...hello, send(`03 00 00 00 01 07 01 01 "m" 01 01 "a" 08 60 61*96`)])
    assert.ok(long === undefined || !long.includes('a'.repeat(41)))
    const text = lines([
      ...hello,
      send(`03 00 00 00 01 07 01 01 "m" 01 01 "h" 09 0d 04 "host" 01 "a" 01 "x" 01 "y" 00 00`),
    ]).at(-1)
    assert.equal(text, `${' '.repeat(20)}message m h=binary {host: "a", x: "y"}`)
  })

  it('is JSON, too, for everything that was captured', () => {
    for (const entry of inspect(captured('2.6.12'))) {
      const parsed = JSON.parse(formatJson(entry)) as { time: string; kind: string }
      assert.equal(parsed.kind, entry.kind)
      assert.equal(Date.parse(parsed.time), entry.time)
    }
  })
})
