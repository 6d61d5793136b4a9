import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { formatClfDate, formatLogDate, strftime } from '#src/sample/index.js'

test('conversions agree with date(1)', { skip: process.platform !== 'linux' }, () => {
  const letters = 'aAbBcCdDeFgGhHIjklmMpPrRsSTuUVwWxXyYz'
  const format = Array.from(letters, (letter) => `%${letter}`).join('|')
  for (const seconds of [
    0, 951_782_400, 1_230_768_000, 1_234_567_890, 1_609_459_200, 1_704_067_199, 4_102_444_800,
  ]) {
    const env = { ...process.env, LC_ALL: 'C' }
    const theirs = execFileSync('date', ['-u', '-d', `@${seconds}`, `+${format}`], { env, encoding: 'utf8' })
    assert.equal(strftime(format, seconds, true), theirs.trimEnd())
    const local = execFileSync('date', ['-d', `@${seconds}`, `+${format}`], { env, encoding: 'utf8' })
    assert.equal(strftime(format, seconds, false), local.trimEnd())
  }
})

test('unknown conversions stay, and dates beyond reach are empty', () => {
  assert.equal(strftime('%Q %% %n%t %Z', 0, true), '%Q % \n\t GMT')
  assert.equal(strftime('%s', 1e20, true), '')
})

test('the dates of logs', () => {
  assert.equal(formatClfDate(1_234_567_890_123, true), '13/Feb/2009:23:31:30 +0000')
  assert.match(formatLogDate(1_234_567_890_007), /^\d\d\/Feb\/2009:\d\d:\d1:30\.007$/)
})
