/** The caller's own message: with it the agent's understanding can be seen, and not only its manners. */
import { CheckSkipped, type CheckContext } from './check.ts'
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

function payloadOf({ received }: Answer): string {
  return received.bytes.toString('hex', received.payloadAt)
}
