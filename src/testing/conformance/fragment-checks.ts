import { Buffer } from 'node:buffer'
import { FrameType } from '../../spop/frame-head.ts'
import { formatEvent } from '../wire.ts'
import { needCapability, type Check, type CheckContext } from './check.ts'
import { CheckSkipped } from './verdict.ts'
import { idKey, type Ids } from './conversation.ts'
import { fin, finAbort, frameOf, messagesPayload, notifyOf } from './frames.ts'
import { compareAnswers, steadyAnswer } from './sample.ts'

const nothing = Buffer.alloc(0)

/** The frames of a payload that is cut at these offsets. */
function fragments([streamId, frameId]: Ids, payload: Buffer, cuts: readonly number[]): Buffer {
  const ends = [...cuts, payload.length]
  const frames = ends.map((end, index) => {
    const type = index === 0 ? FrameType.Notify : FrameType.Unset
    const flags = index === ends.length - 1 ? fin : 0
    return frameOf(type, flags, streamId, frameId, payload.subarray(ends[index - 1] ?? 0, end))
  })
  return Buffer.concat(frames)
}

/** Offsets in order, each once: the payload of a short name without arguments has three bytes. */
function inside(payload: Buffer, cuts: readonly number[]): number[] {
  return [...new Set(cuts)].filter((at) => at > 0 && at < payload.length).sort((a, b) => a - b)
}

async function interlaced(context: CheckContext, intruder: Buffer): Promise<void> {
  needCapability(context, 'fragmentation')
  const conversation = await context.shake()
  await conversation.send(frameOf(FrameType.Notify, 0, 1, 1, messagesPayload(context.sample).subarray(0, 2)))
  await conversation.send(intruder)
  await conversation.expectRefusal({ statuses: [11] })
}

/** Fragments (SPOE.txt 3.2): HAProxy up to 3.0 sends them to an agent that announces the capability. */
export const fragmentChecks: readonly Check[] = [
  {
    id: 'fragment.joined',
    title: 'a NOTIFY in fragments gets one ACK, after the last of them',
    level: 'must',
    source: 'SPOE.txt 3.2',
    points: ['A12', 'W13', 'W14'],
    async run(context) {
      needCapability(context, 'fragmentation')
      const conversation = await context.shake()
      const payload = messagesPayload(context.sample)
      const all = fragments([1, 1], payload, inside(payload, [2, payload.length >> 1, payload.length - 1]))
      const last = frameOf(FrameType.Unset, fin, 1, 1, payload.subarray(-1)).length
      await conversation.send(all.subarray(0, -last))
      const early = await conversation.next(100)
      if (early !== undefined) conversation.fail('nothing before the last fragment', formatEvent(early))
      await conversation.send(all.subarray(-last))
      await conversation.expectAck([1, 1])
      await conversation.ask(context.sample, [3, 1])
    },
  },
  {
    id: 'fragment.same',
    title: 'a NOTIFY in fragments, cut inside values, means the same as a whole one',
    level: 'must',
    source: 'SPOE.txt 3.2',
    points: ['A12', 'W13'],
    async run(context) {
      needCapability(context, 'fragmentation')
      const whole = await steadyAnswer(context)
      const payload = messagesPayload(context.sample)
      for (let at = 1; at < payload.length; at++) {
        const conversation = await context.shake()
        await conversation.send(fragments([1, 1], payload, [at]))
        compareAnswers(conversation, await conversation.expectAck([1, 1]), whole)
        conversation.wire.destroy()
      }
    },
  },
  {
    id: 'fragment.every-byte',
    title: 'fragments may be cut at every byte, hold one byte each, or none',
    level: 'must',
    source: 'SPOE.txt 3.2',
    points: ['A12', 'W14'],
    async run(context) {
      needCapability(context, 'fragmentation')
      const conversation = await context.shake()
      const payload = messagesPayload(context.sample)
      const all = Array.from({ length: payload.length }, (_, index) => index)
      for (const [index, cuts] of [...all.map((at) => [at]), all, [0, 0, 1, 1, payload.length]].entries()) {
        const ids: Ids = [index, 1]
        await conversation.send(fragments(ids, payload, cuts))
        await conversation.expectAck(ids)
      }
    },
  },
  {
    id: 'fragment.abort',
    title: 'an aborted NOTIFY is forgotten, and the connection goes on',
    level: 'must',
    source: 'SPOE.txt 3.2, 3.2.1',
    points: ['A12', 'W15'],
    async run(context) {
      needCapability(context, 'fragmentation')
      const conversation = await context.shake()
      const half = messagesPayload(context.sample).subarray(0, 3)
      await conversation.send(frameOf(FrameType.Notify, 0, 1, 1, half))
      await conversation.send(frameOf(FrameType.Unset, finAbort, 1, 1, nothing))
      await conversation.send(notifyOf(3, 1, context.sample))
      for (;;) {
        const event = await conversation.next()
        const ids = event?.kind === 'frame' && event.frame.type === FrameType.Ack ? event.frame : undefined
        if (ids === undefined) return conversation.fail('the ACK of 3/1', formatEvent(event))
        if (idKey([ids.streamId, ids.frameId]) === '3/1') return
      }
    },
  },
  {
    id: 'fragment.interlaced-notify',
    title: 'a NOTIFY inside the fragments of another is refused with status 11',
    level: 'should',
    source: 'SPOE.txt 3.5',
    points: ['A12', 'W14'],
    run: (context) => interlaced(context, notifyOf(3, 1, context.sample)),
  },
  {
    id: 'fragment.interlaced-unset',
    title: 'a fragment of another NOTIFY inside is refused with status 11',
    level: 'should',
    source: 'SPOE.txt 3.5',
    points: ['A12', 'W14'],
    run: (context) => interlaced(context, frameOf(FrameType.Unset, fin, 3, 1, nothing)),
  },
  {
    id: 'fragment.alone',
    title: 'a fragment that continues nothing is refused',
    level: 'should',
    source: 'SPOE.txt 3.5',
    points: ['W14'],
    async run(context) {
      const conversation = await context.shake()
      await conversation.send(frameOf(FrameType.Unset, fin, 1, 1, Buffer.from('x')))
      await conversation.expectRefusal()
    },
  },
  {
    id: 'fragment.refused',
    title: 'an agent that does not announce fragmentation refuses fragments with status 10',
    level: 'should',
    source: 'SPOE.txt 3.5',
    points: ['A2', 'A12'],
    async run(context) {
      if (context.announced.includes('fragmentation'))
        throw new CheckSkipped('the agent announces fragmentation')
      const conversation = await context.shake()
      await conversation.send(frameOf(FrameType.Notify, 0, 1, 1, messagesPayload(context.sample)))
      await conversation.expectRefusal({ statuses: [10] })
    },
  },
]
