/** The caller's own message: with it the agent's understanding can be seen, and not only its manners. */
import { Writer } from '../../bytes/writer.ts'
import { encodeSetVar, encodeUnsetVar, type Action } from '../../spop/ack.ts'
import type { CheckContext } from './check.ts'
import { CheckSkipped } from './verdict.ts'
import type { Answer, Conversation } from './conversation.ts'

/** The agent's answer to the sample. Skips the check when there is nothing to see in it. */
export async function sampleAnswer(context: CheckContext): Promise<Answer> {
  if (!context.hasSample) throw new CheckSkipped('needs --message: one that the agent answers with actions')
  const conversation = await context.shake()
  const answer = await conversation.ask(context.sample)
  if (answer.actions.length === 0 && answer.wrong === undefined)
    throw new CheckSkipped('the message is answered without actions')
  return answer
}

/** The same, when it is the same each time. */
export async function steadyAnswer(context: CheckContext): Promise<Answer> {
  const [first, second] = [await sampleAnswer(context), await sampleAnswer(context)]
  if (payloadOf(first) === payloadOf(second)) return first
  throw new CheckSkipped('the message is answered differently each time')
}

/** Fails unless both have the same actions. */
export function compareAnswers(conversation: Conversation, got: Answer, wanted: Answer): void {
  if (payloadOf(got) === payloadOf(wanted)) return
  conversation.fail(`the actions ${payloadOf(wanted)}`, payloadOf(got))
}

/**
 * Fails unless the actions that are wanted are there, in their order. Others may stand before, between and behind them:
 * what the agent says to another message of the same NOTIFY is its own business.
 */
export function expectActions(conversation: Conversation, got: Answer, wanted: Answer): void {
  if (got.wrong !== undefined) conversation.fail('actions that can be decoded', got.wrong)
  let found = 0
  const left = wanted.actions.map(wireOf)
  for (const action of got.actions) if (wireOf(action) === left[found]) found++
  if (found === left.length) return
  conversation.fail(`the actions ${payloadOf(wanted)}, among others or alone`, payloadOf(got))
}

function payloadOf({ received }: Answer): string {
  return received.bytes.toString('hex', received.payloadAt)
}

/** An action as text that is equal when, and only when, type and value are. */
function wireOf(action: Action): string {
  const writer = new Writer()
  if (action.type === 'set-var') encodeSetVar(writer, action.scope, action.name, action.value)
  else encodeUnsetVar(writer, action.scope, action.name)
  return writer.view().toString('hex')
}
