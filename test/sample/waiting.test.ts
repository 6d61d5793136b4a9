import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { compileAcl, compileCondition, Verdict } from '#src/sample/index.js'
import { compileContext, complaints, tcpStream, words } from '../support/sample-stream.ts'
import { declared, deliberate, waitingFiles, waitingGroups } from '../support/waiting-cases.ts'
import type { Outcome } from '../support/waiting-cases.ts'

function decide(condition: string, pieces: readonly string[]): Outcome {
  const context = compileContext({ ruleset: 'tcp-request-content', mode: 'tcp', files: waitingFiles })
  for (const each of declared) compileAcl(words(each), context)
  const compiled = compileCondition(words(condition), context)
  assert.ok(compiled !== undefined, complaints(context).join('\n'))
  const name = (verdict: Verdict) => (verdict === Verdict.Pass ? 'pass' : 'fail')
  let sent = ''
  for (const [at, piece] of pieces.entries()) {
    sent += piece
    const verdict = compiled.evaluate(tcpStream(Buffer.from(sent, 'latin1'), { final: false }))
    if (verdict !== Verdict.Miss) return `${name(verdict)} ${at + 1}`
  }
  const verdict = compiled.evaluate(tcpStream(Buffer.from(sent, 'latin1')))
  assert.notEqual(verdict, Verdict.Miss, `${condition} is not decided at the end`)
  return `${name(verdict)} end`
}

test('a condition is decided as soon as its bytes are there', () => {
  for (const { pieces, outcomes } of waitingGroups)
    for (const [condition, outcome] of outcomes)
      assert.equal(decide(condition, pieces), outcome, `${condition} ${JSON.stringify(pieces)}`)
  for (const { pieces, condition, sluice } of deliberate)
    assert.equal(decide(condition, pieces), sluice, condition)
})
