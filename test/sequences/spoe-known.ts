/** The differences of the SPOE filter that are meant to be. docs/compatibility.md has each of them. */
import type { Difference, Known } from './kind.ts'
import type { SpoeCase } from './spoe-kind.ts'
import { processing } from './spoe-setup.ts'
import type { SpoeSetup } from './spoe-setup.ts'

/** An agent that never gives the answer that is waited for. */
const unanswered = ['nothing', 'wrong-stream', 'wrong-frame', 'no-fin']

/** Without what is told of a NOTIFY that was lost. */
function withoutCode(text: string): string {
  return text.replaceAll(/err=[^,\n]*(?:,bool)?/g, 'err').replaceAll(/(x-seen: \S*) \S* /g, '$1 ')
}

const isLate = ({ does, delay }: { does: string; delay: number }) => does === 'ack' && delay > processing

export const spoeKnown: readonly Known<SpoeSetup, SpoeCase>[] = [
  {
    name: 'the code of an answer that never comes',
    link: 'docs/compatibility.md#the-spoe-filter',
    reason:
      'HAProxy says now 1, now 257 for the same agent; an answer to another frame is told as what it is',
    explains: (difference, { requests }) =>
      requests.some((deeds) => deeds.some((deed) => unanswered.includes(deed.does) || isLate(deed))) &&
      /headers|agent/.test(difference.where) &&
      withoutCode(difference.theirs) === withoutCode(difference.ours),
  },
  {
    name: 'events behind on-server-session',
    link: 'docs/compatibility.md#the-spoe-filter',
    reason: 'once it was fired, HAProxy takes late answers at on-http-response, and goes on after an error',
    explains: (difference: Difference, { requests }, { events }) =>
      events.includes('on-server-session') &&
      requests.some((deeds) => deeds.some((deed) => deed.does !== 'ack' || isLate(deed))) &&
      !/arrived|end/.test(difference.where),
  },
  {
    name: 'an ACK that nobody waits for',
    link: 'docs/compatibility.md#the-spoe-filter',
    reason:
      'HAProxy passes it over; here it breaks the protocol, and ends the connection with what is under way on it',
    explains: (_difference, { requests }) =>
      requests.some((deeds) => deeds.some(({ does }) => does === 'twice' || does.startsWith('wrong'))),
  },
]
