/** Which connections make way for those that wait for a worker: sequences of what happens, and who is closed. */
import assert from 'node:assert/strict'
import { describe, it, mock } from 'node:test'
import { WorkerShortage } from '#src/proxy/server/worker-shortage.js'
import type { Worker } from '#src/proxy/server/worker-shortage.js'

/** Plays a script: `b1` the first request of 1 begins, `a1` is answered, `r1` is through, `l1` has another one, `+200` time. */
function play(script: string): string {
  let now = 1
  mock.timers.enable({ apis: ['setTimeout'] })
  mock.method(performance, 'now', () => now)
  const told: string[] = []
  const shortage = new WorkerShortage()
  const all = new Map<string, Worker & { answered: boolean }>()
  const find = (name: string) => {
    const found = all.get(name) ?? {
      answered: false,
      idle: false,
      waiting: undefined,
      previous: undefined,
      next: undefined,
      destroy: () => {
        told.push(`-${name}`)
        shortage.closed(found)
      },
    }
    all.set(name, found)
    return found
  }
  for (const [step = '', ...rest] of script.split(' ')) {
    const connection = find(rest.join(''))
    if (step === '+') {
      now += Number(rest.join(''))
      mock.timers.tick(Number(rest.join('')))
    }
    if (step === 'b') shortage.begun(connection)
    else if (step === 'a') connection.answered = true
    else if (step === 'l') shortage.left(connection)
    else if (step === 'r' && !shortage.rested(connection)) connection.destroy()
  }
  return told.join(' ')
}

describe('connections that wait for a worker', () => {
  for (const [what, script, closed] of [
    ['nobody waits long', 'b1 a1 r1 b2 +100 a2 r2 +1000', ''],
    ['one waits, one is idle', 'b1 a1 r1 b2 +199 +2', '-1'],
    ['the one that is idle longest makes way', 'b1 a1 r1 b2 a2 r2 b3 +201', '-1'],
    ['one that works is left alone', 'b1 a1 r1 l1 b2 +201', ''],
    ['and makes way when it is through', 'b1 a1 r1 l1 b2 +201 r1', '-1'],
    ['one for each that waits', 'b1 a1 r1 b2 a2 r2 b3 a3 r3 b4 b5 +201', '-1 -2'],
    ['one that was answered meanwhile needs none', 'b1 a1 r1 l1 b2 +201 a2 r1', ''],
    [
      'further ones make way ever more seldom',
      'b1 b2 b3 a1 a2 a3 r1 r2 r3 b4 +201 +300 +101 +700 +101',
      '-1 -2 -3',
    ],
    [
      'a slow script costs few',
      'b1 b2 a1 a2 r1 r2 b3 +201 +401 +801 +1601 +3201 b4 a4 r4 +100000 b5 a5 r5',
      '-1 -2 -4',
    ],
    ['one that is gone is owed nothing', 'b1 a1 r1 l1 b2 +201 r2 r1', ''],
  ] as const) {
    it(what, () => {
      try {
        assert.equal(play(script), closed)
      } finally {
        mock.timers.reset()
        mock.restoreAll()
      }
    })
  }
})
