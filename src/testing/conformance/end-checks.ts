import { Buffer } from 'node:buffer'
import { haproxyDisconnectBytes } from '../haproxy-bytes.ts'
import type { Check } from './check.ts'
import { CheckSkipped } from './verdict.ts'
import { disconnectOf, notifyOf } from './frames.ts'
import { hello3x } from './hellos.ts'

const goodbye = haproxyDisconnectBytes(0, 'normal')

/** How connections end (SPOE.txt 3.2.8, 3.2.9): with manners, without, and at any moment. */
export const endChecks: readonly Check[] = [
  {
    id: 'end.disconnect',
    title: 'HAPROXY-DISCONNECT is answered by AGENT-DISCONNECT, and the connection is closed',
    level: 'must',
    source: 'SPOE.txt 3.2.8, 3.2.9',
    points: ['A10', 'W22'],
    async run(context) {
      for (const bytes of [goodbye, haproxyDisconnectBytes(2, 'a timeout occurred')]) {
        const conversation = await context.shake()
        await conversation.ask(context.sample)
        await conversation.send(bytes)
        await conversation.expectRefusal()
        await conversation.expectClose()
      }
    },
  },
  {
    id: 'end.disconnect-keys',
    title: 'a DISCONNECT with unknown keys, another integer type or no message is a DISCONNECT',
    level: 'should',
    source: 'SPOE.txt 3.2.8',
    points: ['W18', 'W21', 'W22'],
    async run(context) {
      const all = [
        disconnectOf([
          ['x-unknown', 1],
          ['message', 'normal'],
          ['status-code', { type: 'int64', value: 0 }],
        ]),
        disconnectOf([['status-code', { type: 'uint32', value: 4711 }]]),
      ]
      for (const bytes of all) {
        const conversation = await context.shake()
        await conversation.send(bytes)
        await conversation.expectRefusal({ silent: undefined })
      }
    },
  },
  {
    id: 'end.disconnect-first',
    title: 'a DISCONNECT instead of HELLO ends the connection',
    level: 'should',
    source: 'SPOE.txt 3.2.8',
    points: ['A10'],
    async run(context) {
      const conversation = await context.open()
      await conversation.send(goodbye)
      await conversation.expectRefusal({ silent: undefined })
    },
  },
  {
    id: 'end.fin',
    title: 'when HAProxy closes without DISCONNECT, so does the agent',
    level: 'must',
    source: 'HAProxy 3.1 and later',
    points: ['A10'],
    async run(context) {
      const conversation = await context.shake()
      await conversation.ask(context.sample)
      conversation.wire.end()
      await conversation.expectRefusal({ silent: undefined })
    },
  },
  {
    id: 'end.reset',
    title: 'a reset at any byte of a conversation harms nothing',
    level: 'must',
    source: 'HAProxy 3.1 and later',
    points: ['A10'],
    hostile: true,
    async run(context) {
      const bytes = Buffer.concat([hello3x, notifyOf(1, 1, context.sample), goodbye])
      for (let at = 0; at <= bytes.length; at += 7) {
        const conversation = await context.open()
        await conversation.send(bytes.subarray(0, at))
        conversation.wire.reset()
      }
    },
  },
  {
    id: 'end.reset-pending',
    title: 'a reset with NOTIFYs in flight harms nothing',
    level: 'must',
    source: 'HAProxy 3.1 and later',
    points: ['A10'],
    hostile: true,
    async run(context) {
      for (let round = 0; round < 20; round++) {
        const conversation = await context.shake()
        await conversation.send(notifyOf(1, 1, context.sample))
        conversation.wire.reset()
      }
    },
  },
  {
    id: 'end.idle',
    title: 'an idle connection stays: after a second of silence a NOTIFY is answered',
    level: 'should',
    source: 'HAProxy 1.8 to 3.5',
    points: ['A14'],
    async run(context) {
      const conversation = await context.shake()
      await new Promise((resolve) => setTimeout(resolve, 1000))
      await conversation.ask(context.sample)
    },
  },
  {
    id: 'policy.deadline',
    title: 'a message whose handler takes too long is answered in time all the same',
    level: 'must',
    source: 'HAProxy 1.8 to 3.5',
    points: ['A7', 'A8'],
    async run(context) {
      if (context.slow === undefined)
        throw new CheckSkipped('needs --slow: a message whose handler takes too long')
      const conversation = await context.shake()
      await conversation.ask(context.slow)
    },
  },
  {
    id: 'policy.drain',
    title: 'an agent that stops answers what is in flight, says DISCONNECT 0 and closes',
    level: 'must',
    source: 'HAProxy 1.8 to 3.5',
    points: ['A9', 'W22'],
    async run(context) {
      const { stop } = context
      if (stop === undefined) throw new CheckSkipped('needs --pid: the process to stop for it')
      const idle = await context.shake()
      const busy = await context.shake()
      const ids = [1, 3, 5].map((id) => [id, 1] as const)
      await busy.send(Buffer.concat(ids.map((each) => notifyOf(...each, context.sample))))
      // Stopping may last until both are closed.
      const stopped = Promise.resolve(stop())
      stopped.catch(() => {})
      await busy.expectAcks(ids)
      for (const conversation of [busy, idle]) {
        await conversation.expectRefusal({ statuses: [0] })
        conversation.wire.end()
        await conversation.expectClose()
      }
      await stopped
    },
  },
]
