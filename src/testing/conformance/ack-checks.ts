import type { Check } from './check.ts'
import { helloWith, notifyOf } from './frames.ts'
import { sampleAnswer } from './sample.ts'

/** HAProxy takes these characters, and 63 of them with scope and prefix. */
const variableName = /^[a-zA-Z0-9_.]{1,60}$/

/**
 * What stands in an ACK (SPOE.txt 3.2.7, 3.4): it takes a message that the agent answers with actions to see it.
 */
export const ackChecks: readonly Check[] = [
  {
    id: 'ack.actions',
    title: 'actions are well formed: set-var has three arguments, unset-var two, and nothing follows them',
    level: 'must',
    source: 'SPOE.txt 3.4',
    points: ['W10'],
    async run(context) {
      const { received, wrong } = await sampleAnswer(context)
      const conversation = await context.open()
      if (wrong !== undefined)
        conversation.fail('actions that can be decoded', `${wrong}: ${received.bytes.toString('hex')}`)
    },
  },
  {
    id: 'ack.names',
    title: 'names of variables are such that HAProxy takes them: letters, digits, "." and "_", at most 60',
    level: 'must',
    source: 'HAProxy 2.6 to 3.5',
    points: ['W10', 'W11'],
    async run(context) {
      const { actions: list } = await sampleAnswer(context)
      const conversation = await context.open()
      const wrong = list.find(({ name }) => !variableName.test(name))
      if (wrong !== undefined) conversation.fail('names that HAProxy takes', `'${wrong.name}'`)
    },
  },
  {
    id: 'ack.integers',
    title: 'integers fit 63 bits: a larger UINT64 becomes negative inside HAProxy',
    level: 'should',
    source: 'HAProxy 2.6 to 3.5',
    points: ['W3'],
    async run(context) {
      const { actions: list } = await sampleAnswer(context)
      const conversation = await context.open()
      for (const action of list) {
        if (action.type !== 'set-var' || action.value.type !== 'uint64') continue
        if (BigInt(action.value.value) >= 2n ** 63n)
          conversation.fail('at most 2^63-1', String(action.value.value))
      }
    },
  },
  {
    id: 'ack.size',
    title: 'an ACK keeps to the agreed size: HAProxy ends the connection with status 3 otherwise',
    level: 'must',
    source: 'SPOE.txt 3.2',
    points: ['A6'],
    async run(context) {
      await sampleAnswer(context)
      const conversation = await context.open()
      await conversation.send(helloWith({ size: { type: 'uint32', value: 256 } }))
      await conversation.expectHello()
      conversation.maxFrameSize = 256
      const big = context.sample.flatMap((each) => Array.from({ length: 8 }, () => each))
      const frame = notifyOf(1, 1, big)
      await conversation.send(frame.length <= 260 ? frame : notifyOf(1, 1, context.sample))
      await conversation.expectAck([1, 1])
    },
  },
]
