import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { onAbort } from '#src/base/on-abort.js'

test('many calls share one listener of a signal', () => {
  const { signal } = new AbortController()
  const forgets = Array.from({ length: 50 }, () => onAbort(signal, () => {}))
  assert.equal(getEventListeners(signal, 'abort').length, 1)
  for (const forget of forgets) forget()
  assert.equal(getEventListeners(signal, 'abort').length, 1)
})

test('each is told once, those that were taken back are not, and a callback may take back others', () => {
  const controller = new AbortController()
  const told: string[] = []
  onAbort(controller.signal, () => told.push('first'))
  const forget = onAbort(controller.signal, () => told.push('second'))
  onAbort(controller.signal, () => {
    told.push('third')
    forgetLast()
  })
  const forgetLast = onAbort(controller.signal, () => told.push('last'))
  forget()
  controller.abort()
  controller.abort()
  assert.deepEqual(told.sort(), ['first', 'third'])
})
