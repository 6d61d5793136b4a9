import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { compileAcl, compileCondition, Verdict } from '#src/sample/index.js'
import type { Checkpoint, Stream } from '#src/sample/index.js'
import { compileContext, complaints, tcpStream, words } from '../support/sample-stream.ts'
import {
  declared,
  deliberate,
  responseGroups,
  waitingFiles,
  waitingGroups,
} from '../support/waiting-cases.ts'
import type { Outcome } from '../support/waiting-cases.ts'

/** The stream when so much has been sent. */
type At = (sent: Buffer, final: boolean) => Stream

const request: At = (sent, final) => tcpStream(sent, { final })

const response: At = (sent, final) =>
  tcpStream(Buffer.alloc(0), { direction: 'response', responseBuffer: sent, final })

function decide(
  condition: string,
  pieces: readonly string[],
  at: At = request,
  checkpoint: Checkpoint = 'tcp-request-content',
): Outcome {
  const isBackend = checkpoint === 'tcp-response-content'
  const context = compileContext({ checkpoint, isBackend, mode: 'tcp', files: waitingFiles })
  for (const each of declared) compileAcl(words(each), context)
  const compiled = compileCondition(words(condition), context)
  assert.ok(compiled !== undefined, complaints(context).join('\n'))
  const name = (verdict: Verdict) => (verdict === Verdict.Pass ? 'pass' : 'fail')
  let sent = ''
  for (const [index, piece] of pieces.entries()) {
    sent += piece
    const verdict = compiled.evaluate(at(Buffer.from(sent, 'latin1'), false))
    if (verdict !== Verdict.Miss) return `${name(verdict)} ${index + 1}`
  }
  const verdict = compiled.evaluate(at(Buffer.from(sent, 'latin1'), true))
  assert.notEqual(verdict, Verdict.Miss, `${condition} is not decided at the end`)
  return `${name(verdict)} end`
}

test('a condition is decided as soon as its bytes are there', () => {
  for (const { pieces, outcomes } of waitingGroups)
    for (const [condition, outcome] of outcomes)
      assert.equal(decide(condition, pieces), outcome, `${condition} ${JSON.stringify(pieces)}`)
  for (const { pieces, outcomes } of responseGroups)
    for (const [condition, outcome] of outcomes) {
      const decided = decide(condition, pieces, response, 'tcp-response-content')
      assert.equal(decided, outcome, `response: ${condition} ${JSON.stringify(pieces)}`)
    }
  for (const { pieces, condition, sluice } of deliberate)
    assert.equal(decide(condition, pieces), sluice, condition)
})
