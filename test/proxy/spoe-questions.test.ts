/** What a filter sends for an event: the bytes of its messages, and how often their samples are asked for. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { SpoeMessagePlan } from '#src/proxy/plan/spoe.js'
import { Questions } from '#src/proxy/filters/spoe/questions.js'
import { sint, str } from '#src/sample/value.js'
import type { SampleValue } from '#src/sample/value.js'
import { encodeMessages, StringData, Writer } from 'sluice/spop'
import type { MessageInput } from 'sluice/spop'
import { requestStream } from '../support/sample-stream.ts'

const long = 'x'.repeat(300)
/** By what it is shared as; `other` is asked for itself. */
const samples: Record<string, SampleValue> = {
  path: str('/a'),
  long: str(long),
  number: sint(-1),
  other: str('\xe9'),
}
const values: Record<string, MessageInput['args'][number][1]> = {
  path: '/a',
  long,
  number: -1,
  other: new StringData(Buffer.from('\xe9', 'latin1')),
}

interface Sent {
  readonly name: string
  readonly args: readonly string[]
  readonly sent?: boolean
}

function plan({ name, args, sent = true }: Sent, asked: string[]): SpoeMessagePlan {
  const compiled = args.map((each) => ({
    name: `arg-${each}`,
    shared: each === 'other' ? undefined : each,
    evaluate: () => {
      asked.push(each)
      return samples[each]
    },
  }))
  return { name, condition: sent ? undefined : () => false, args: compiled, timeout: 100, noWait: false }
}

const cases: readonly (readonly [what: string, messages: readonly Sent[], asked: readonly string[]])[] = [
  ['one message', [{ name: 'a', args: ['path', 'other'] }], ['path', 'other']],
  ['no argument', [{ name: 'a', args: [] }], []],
  [
    'what several have is asked for once',
    [
      { name: 'a', args: ['path', 'long'] },
      { name: 'b', args: ['long', 'number', 'path', 'path'] },
      { name: 'c', args: ['number'] },
    ],
    ['path', 'long', 'number'],
  ],
  [
    'what may be another each time is asked for each time',
    [
      { name: 'a', args: ['other'] },
      { name: 'b', args: ['other', 'other'] },
    ],
    ['other', 'other', 'other'],
  ],
  [
    'a message that is not sent has asked for nothing',
    [
      { name: 'a', args: ['path'], sent: false },
      { name: 'b', args: ['path'] },
    ],
    ['path'],
  ],
]

for (const [what, messages, expected] of cases) {
  it(what, () => {
    const asked: string[] = []
    const questions = new Questions()
    const plans = messages.map((each) => plan(each, asked))
    const writer = new Writer()
    encodeMessages(
      writer,
      messages
        .filter(({ sent }) => sent !== false)
        .map(({ name, args }) => ({
          name,
          args: args.map((each) => [`arg-${each}`, values[each] ?? null] as const),
        })),
    )
    // Another stream begins anew.
    for (let stream = 1; stream <= 2; stream++) {
      asked.length = 0
      const [question, ...more] = questions.collect(plans, requestStream('GET / HTTP/1.1\r\n\r\n'))
      assert.deepEqual(more, [])
      assert.deepEqual(question?.messages.writer.view(), writer.view())
      assert.deepEqual(asked, expected)
    }
  })
}
