/** Nothing that comes over a wire may end the inspector. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatEntry } from '#src/inspect/text.js'
import { formatJson } from '#src/inspect/json.js'
import { captured, inspect, type Step } from './support.ts'

/** Two requests of FastCGI, in bytes. */
const fcgi: Step[] = [
  ['client', '0109000000110000 0f00 464347495f4d5058535f434f4e4e53'],
  [
    'client',
    '0101000100080000 0001010000000000 01040001000c0000 0604 415554484f520102030400 0104000100000000',
  ],
  ['client', '0105000100020000 6162 0105000100000000'],
  [
    'server',
    '0107000100020000 7778 01060001000d0000 5374617475733a20310a0a6162 0103000100080000 0000000100000000',
  ],
].map(([from = '', hex = '']) => ({
  from: from as Step['from'],
  what: Buffer.from(hex.replaceAll(' ', ''), 'hex'),
  at: 0,
}))

const sources = [captured('2.6.12'), captured('3.2.0'), fcgi]

const change = fc.record({ at: fc.nat(), to: fc.integer({ min: 0, max: 255 }) })

test('changed bytes, other cuts, either side, any protocol: told, and never thrown', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...sources),
      fc.array(change, { maxLength: 20 }),
      fc.integer({ min: 1, max: 300 }),
      fc.constantFrom('auto', 'spop', 'fcgi'),
      fc.boolean(),
      (source, changes, size, protocol, showSecrets) => {
        const steps = source.map((step) => ({
          ...step,
          what: Buffer.isBuffer(step.what) ? Buffer.from(step.what) : step.what,
        }))
        for (const { at, to } of changes) {
          const what = steps[at % steps.length]?.what
          if (Buffer.isBuffer(what) && what.length > 0) what[at % what.length] = to
        }
        const cut = steps.flatMap((step): Step[] => {
          if (!Buffer.isBuffer(step.what)) return [step]
          const { what } = step
          const pieces = Array.from({ length: Math.ceil(what.length / size) }, (_, index) =>
            what.subarray(index * size, (index + 1) * size),
          )
          return pieces.map((piece) => ({ ...step, what: piece }))
        })
        const entries = inspect(cut, { protocol: protocol as 'auto', showSecrets, processingTimeout: 1 })
        for (const entry of entries) {
          formatEntry(entry, { longestValue: 50, colour: true, sources: true })
          JSON.parse(formatJson(entry))
        }
        assert.ok(entries.length > 0)
      },
    ),
    { numRuns: 60, seed: 20_261_126 },
  )
})
