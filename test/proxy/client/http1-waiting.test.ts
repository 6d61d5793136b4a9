/** Which of its timeouts counts for a client, and what is said when it has run out. */
import assert from 'node:assert/strict'
import { after, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Deadlines } from '#src/base/deadlines.js'
import type { Expiring } from '#src/base/deadlines.js'
import { Http1Waiting } from '#src/proxy/client/http1-waiting.js'
import { resolveTimeouts } from '#src/proxy/plan/timeouts.js'
import type { Timeouts } from '#src/config/index.js'

const made: Deadlines<Expiring>[] = []
after(() => {
  for (const deadlines of made) deadlines.clear()
})

const never = 60_000
const soon = 15

type Name = 'client' | 'httpRequest' | 'httpKeepAlive' | 'tunnel' | 'linger'

/** What is done, the one timeout that is short, and what has been waited for in vain. */
type Act = (waiting: Http1Waiting, of: (name: Name) => number) => void
const table: readonly (readonly [string, Act, Name, string])[] = [
  ['a head', (w) => w.forRequest(), 'httpRequest', 'request'],
  ['the next head', (w) => w.forNextRequest(), 'httpKeepAlive', 'next-request'],
  ['a body that a server takes', (w) => w.forStream(true), 'client', 'client'],
  [
    'a body that rules want',
    (w) => {
      w.forRequest()
      w.forNothing()
      w.forBody(undefined)
      w.forStream(true)
    },
    'client',
    'client',
  ],
  [
    'a body behind one that rules wanted',
    (w) => {
      w.forBody(undefined)
      w.forNothing()
      w.forStream(true)
    },
    'client',
    'client',
  ],
  [
    'a client that does not read',
    (w) => {
      w.blocked = true
      w.forStream(false)
    },
    'client',
    'client',
  ],
  [
    'a tunnel',
    (w) => {
      w.openTunnel(soon)
      w.forStream(false)
    },
    'tunnel',
    'client',
  ],
  [
    'a tunnel without a timeout of its own',
    (w) => {
      w.openTunnel(undefined)
      w.forStream(false)
    },
    'client',
    'client',
  ],
  ['the last bytes', (w, of) => w.forLastBytes(of('linger')), 'linger', 'last-bytes'],
]

const only =
  (short: Name | undefined) =>
  (name: Name): number =>
    name === short ? soon : never

function waitingWith(of: (name: Name) => number, expired: () => void): Http1Waiting {
  const timeouts = resolveTimeouts({
    client: of('client'),
    httpRequest: of('httpRequest'),
    httpKeepAlive: of('httpKeepAlive'),
  } as Timeouts) // the others are not asked for
  const deadlines = new Deadlines<Expiring>((item) => item.expire(), true)
  made.push(deadlines)
  return new Http1Waiting(timeouts, deadlines, { onDeadline: expired })
}

for (const [name, act, short, wanted] of table) {
  it(`${name}: ${short} counts, and nothing else`, async () => {
    const names: readonly Name[] = ['client', 'httpRequest', 'httpKeepAlive', 'linger']
    const found: string[] = []
    const all = [...names, 'tunnel' as const].map((each) => {
      const waiting = waitingWith(only(each), () => void found.push(`${each} ${waiting.take()}`))
      // The tunnel's own timeout is in the act.
      if (each === short || short !== 'tunnel') act(waiting, only(each))
      return waiting
    })
    await sleep(60)
    for (const each of all) each.stop()
    assert.deepEqual(found, [`${short} ${wanted}`])
  })
}

it('nothing is waited for while a stream is in progress that reads nothing, nor once it is told', async () => {
  for (const act of [(w: Http1Waiting) => w.forStream(false), (w: Http1Waiting) => w.forNothing()]) {
    let expired = 0
    const waiting = waitingWith(only('httpRequest'), () => expired++)
    waiting.forRequest()
    act(waiting)
    await sleep(40)
    assert.equal(expired, 0)
    assert.equal(waiting.take(), 'nothing')
    waiting.stop()
  }
})

it('each byte of a body that rules want begins the time of the client anew, and not that of all of it', async () => {
  let expired = 0
  const waiting = waitingWith(
    () => 50,
    () => expired++,
  )
  waiting.forBody(120)
  for (const expected of [0, 0, 0, 1]) {
    await sleep(35)
    assert.equal(expired, expected)
    waiting.forStream(true)
  }
  waiting.stop()
})
