import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCondition } from '#src/load/condition.js'
import { resultWith } from './result.ts'

/** 1000 answers, of which 10 are wrong, and 40 time-outs: 50 errors of 1040. */
const result = resultWith({
  rate: 500,
  errors: 50,
  counts: { answers: 1000, wrong: 10, late: 3, lost: 37 },
  failures: [{ status: 1, label: 'st=1', words: '', count: 40 }],
  response: { p50: 2, p99: 20, 'p99.9': 40, max: 50 },
  service: { p50: 1, p99: 10 },
})

const cases: readonly (readonly [text: string, holds: boolean])[] = [
  ['p99>5ms', true],
  ['p99>20ms', false],
  ['p99>=20ms', true],
  ['p99.9 < 41ms', true],
  ['max<=0.05s', true],
  ['p50>1999us', true],
  ['service.p99>10ms', false],
  ['errors>0', true],
  ['errors>50', false],
  ['errors>4.8%', true],
  ['errors>4.81%', false],
  ['timeouts>=40', true],
  ['wrong>9', true],
  ['late>3', false],
  ['lost<38', true],
  ['doubled>0', false],
  ['rate<501', true],
]

for (const [text, holds] of cases) {
  test(`${text}: ${holds}`, () => assert.equal(parseCondition(text, '--fail-if').holds(result), holds))
}

for (const [text, message] of [
  ['p99', /--fail-if 'p99': wanted METRIC>VALUE, such as/],
  ['p98>5ms', /wanted one of min, p50/],
  ['p99>5', /wanted a duration with its unit: us, ms or s/],
  ['p99>5%', /wanted a duration with its unit/],
  ['rate>5ms', /wanted a plain number/],
  ['lost>5%', /wanted a plain number, or a percentage for errors/],
  ['constructor>1', /wanted one of/],
] as const) {
  test(`${text} is refused`, () => {
    assert.throws(() => parseCondition(text, '--fail-if'), { code: 'ERR_SLUICE_OPTION', message })
  })
}

test('what was found is said', () => {
  assert.equal(parseCondition('p99>5ms', '').found(result), 'p99 is 20 ms')
  assert.equal(parseCondition('errors>1%', '').found(result), 'errors is 4.808 %')
  assert.equal(parseCondition('errors>1', '').found(result), 'errors is 50')
})
