/** What a new connection is met with: every state and event, and what they do to the server and to the stream. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Meeting } from '#src/proxy/stream/meeting.js'
import type { ServerTransport } from '#src/proxy/server/server-transport.js'

type Step = 'join' | 'end' | 'judged' | 'over' | 'bytes'

/** What was done, by a meeting to which these things happen one after the other. */
function run(steps: readonly Step[]): readonly string[] {
  const done: string[] = []
  const server = { hold: () => done.push('hold'), release: () => done.push('release') }
  const stream = {
    over: false,
    awaitsBytes: false,
    answering: {
      state: 'awaited' as 'awaited' | 'judged',
      server: server as unknown as ServerTransport, // of which a meeting uses no more
    },
    judge: () => void done.push('judge'),
  }
  const meeting = new Meeting(stream)
  for (const step of steps) {
    if (step === 'join') meeting.join(stream.answering.server)
    else if (step === 'end') meeting.end()
    else if (step === 'judged') stream.answering.state = 'judged'
    else if (step === 'over') stream.over = true
    else stream.awaitsBytes = true
  }
  if (meeting.runs) done.push('runs')
  return done
}

const cases: readonly (readonly [what: string, steps: readonly Step[], done: readonly string[]])[] = [
  ['an agent is asked: the server is not read', ['join'], ['hold', 'runs']],
  ['the agent has answered', ['join', 'end'], ['hold', 'release']],
  ['steps that end at once hold nothing', ['end', 'join'], []],
  ['rules that wait for bytes of the server let it be read', ['bytes', 'join'], ['runs']],
  ['they have seen enough, and nothing has been answered', ['bytes', 'join', 'end'], []],
  ['the answer came meanwhile: its rules run now', ['bytes', 'join', 'judged', 'end'], ['judge']],
  ['the same of one that was held', ['join', 'judged', 'end'], ['hold', 'judge']],
  ['a stream that has ended holds nobody', ['over', 'join'], ['runs']],
  ['a second server finds the agent still asked', ['join', 'join', 'end'], ['hold', 'hold', 'release']],
  ['a second server meets nothing any more', ['join', 'end', 'join'], ['hold', 'release']],
]

for (const [what, steps, done] of cases) {
  test(what, () => assert.deepEqual(run(steps), done))
}
