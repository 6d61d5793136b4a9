import { healthCheckBytes } from '../haproxy-bytes.ts'
import { judgeHealthReply } from '../peer-judge.ts'
import { formatEvent } from '../wire.ts'
import type { Check } from './check.ts'
import { helloKeys, helloOf } from './frames.ts'

/** The health check of HAProxy, `option spop-check`. */
export const healthChecks: readonly Check[] = [
  {
    id: 'health.answer',
    title: 'the health check is answered as HAProxy wants it: FIN, ids 0, version, size and capabilities',
    level: 'must',
    source: 'HAProxy 2.2 to 3.5',
    points: ['A4', 'W20'],
    async run(context) {
      const conversation = await context.open()
      await conversation.send(healthCheckBytes)
      const event = await conversation.next()
      if (event?.kind !== 'frame') return conversation.fail('AGENT-HELLO', formatEvent(event))
      const wrong = judgeHealthReply(event.frame)
      if (wrong !== undefined) conversation.fail('what option spop-check takes', wrong)
    },
  },
  {
    id: 'health.reset',
    title: 'a reset right after the answer, as HAProxy does it, harms nothing',
    level: 'must',
    source: 'HAProxy 2.2 to 3.5',
    points: ['A4', 'A10'],
    hostile: true,
    async run(context) {
      for (let round = 0; round < 10; round++) {
        const conversation = await context.open()
        await conversation.send(healthCheckBytes)
        await conversation.expectHello()
        conversation.wire.reset()
      }
    },
  },
  {
    id: 'health.false',
    title: '"healthcheck" with the value false is an ordinary connection',
    level: 'must',
    source: 'SPOE.txt 3.2.4',
    points: ['A4', 'W5', 'W19'],
    async run(context) {
      const conversation = await context.shake(helloOf([...helloKeys(), ['healthcheck', false]]))
      await conversation.ask(context.sample)
    },
  },
]
