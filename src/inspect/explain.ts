/**
 * Status codes in words: what `option set-on-error` puts into its variable and the log's `st=` shows, with the usual causes
 * and what helps. Seen with HAProxy 2.6.12, 3.0.0, 3.2.0 and 3.5-dev5.
 */
import { UsageError } from '../base/errors.ts'
import { statusText } from '../spop/errors.ts'

/** A code in words. */
export interface Explanation {
  readonly code: number
  /** What it is, in a line. */
  readonly meaning: string
  readonly causes: readonly string[]
  readonly remedies: readonly string[]
}

type Words = Omit<Explanation, 'code'>

/** 0 to 255: HAProxy's own. */
const local: Readonly<Record<number, Words>> = {
  0: { meaning: 'no error: the agent has answered', causes: [], remedies: [] },
  1: {
    meaning: 'a time-out: no answer within timeout processing',
    causes: [
      'the handler takes longer than timeout processing, or blocks its event loop',
      'the agent did not answer this NOTIFY, or with other ids',
      'the agent is away and its server line has no check: each request then waits for the whole time',
      'up to HAProxy 3.0: the agent closed, and both had agreed on async',
    ],
    remedies: [
      'give the agent a deadline below timeout processing, and always answer',
      'option spop-check in the backend, and check on its server lines: the error is 2 at once then',
      'sluice inspect --processing-timeout TIME shows which answer is late or missing',
    ],
  },
  2: {
    meaning: 'no server, or no resource: HAProxy has no connection to an agent to be had',
    causes: [
      'all servers of the backend are down by their checks',
      'maxconn of the server, or maxconnrate of the agent, is reached',
      'HAProxy is out of memory or of buffers',
    ],
    remedies: [
      'show stat has the reason why a server is down, and sluice probe --health asks what the check asks',
      'raise maxconn, or run more agents',
    ],
  },
  3: {
    meaning: 'a message is too big for one frame',
    causes: [
      'an argument such as req.body or req.hdrs is larger than max-frame-size, and the agent takes no fragments',
    ],
    remedies: [
      'send less: req.body,bytes(0,8000), or single headers',
      'raise tune.bufsize and the max-frame-size of the spoe-agent, and of the agent',
      'up to HAProxy 3.0: an agent that announces fragmentation gets it in pieces',
    ],
  },
  4: {
    meaning: 'the fragments of a message were given up',
    causes: ['the agent answered with ABORT before all fragments had come; those of sluice do not'],
    remedies: ['send less, or mend the agent'],
  },
  5: {
    meaning: 'interrupted: the wait ended before the agent answered',
    causes: [
      'the client went away',
      'a send-spoe-group in rules that cannot wait, or a time-out of their phase',
    ],
    remedies: ['tcp-request inspect-delay above timeout processing'],
  },
  255: {
    meaning: 'an error that HAProxy has no code for',
    causes: ['a fault within the filter, as when an argument cannot be encoded'],
    remedies: ["look into HAProxy's log around that time"],
  },
}

/** 256 and N: what ended the connection to the agent, as a DISCONNECT of either side says it (SPOE.txt 3.5). */
const remote: Readonly<Record<number, Omit<Words, 'meaning'>>> = {
  0: {
    causes: [
      'the agent disconnected, with the status 0, while a message waited: it was restarted',
      'without pipelining: an ACK with a wrong frame id, or without FIN',
    ],
    remedies: ['an agent that stops has to answer what it has got before it sends DISCONNECT'],
  },
  1: {
    causes: [
      'the agent closed the connection, or crashed, while a message waited',
      'nobody listens there, or something between the two cut the connection',
      'timeout server of the backend is shorter than the agent takes',
    ],
    remedies: [
      "read the agent's log of that time, and give its server line a check",
      'an agent that stops has to answer first, then DISCONNECT, then close',
    ],
  },
  2: {
    causes: ['timeout hello or timeout idle is over (HAProxy up to 3.0), or a time-out of the agent'],
    remedies: ["idle times of the agent have to be longer than HAProxy's"],
  },
  3: {
    causes: [
      'the answer is larger than the max-frame-size that was agreed on',
      'HAProxy 3.1 or later: the message is larger than what the agent takes',
      'something else than SPOP answers: the first four bytes of text are a huge length',
    ],
    remedies: [
      'set fewer or shorter variables; an agent of sluice never sends more than was agreed on',
      'let the agent take what HAProxy offers: leave maxFrameSize alone',
    ],
  },
  4: {
    causes: [
      'a frame that cannot be read: a library with another idea of varints or of typed data',
      'another program listens there, or TLS meets a plain port',
    ],
    remedies: [
      'sluice inspect says which frame, and what is wrong with it',
      'sluice probe checks the agent for all of it',
    ],
  },
  5: { causes: ['the HELLO has no version'], remedies: ['sluice probe --only hello'] },
  6: { causes: ['the HELLO has no max-frame-size'], remedies: ['sluice probe --only hello'] },
  7: {
    causes: ['the HELLO has no capabilities: health checks want them, be they empty'],
    remedies: ['sluice probe --only health'],
  },
  8: {
    causes: [
      'the agent speaks SPOP 1.0, or answers a version that is not "2.0"',
      'HAProxy before 1.8.10 speaks 1.0',
    ],
    remedies: ['the agent answers the string 2.0'],
  },
  9: {
    causes: ['the agent answers a max-frame-size that is larger than HAProxy offered, or under 256'],
    remedies: ['answer the lesser of the two; in the SPOE file it is at most tune.bufsize less 4'],
  },
  10: {
    causes: [
      'a message is larger than the agent takes, and it does not announce fragmentation',
      'an agent sent a frame without FIN',
    ],
    remedies: [
      'announce the max-frame-size that HAProxy offers',
      'announce fragmentation (HAProxy up to 3.0), or no option send-frag-payload',
    ],
  },
  11: {
    causes: ['fragments of two messages are mixed on one connection'],
    remedies: ['answer, and send, one after the other'],
  },
  12: {
    causes: ['an ACK whose stream id or frame id nobody asked', 'a second ACK for the same NOTIFY'],
    remedies: ['echo both ids as they came, up to 64 bits each', 'sluice inspect names the ids'],
  },
  13: {
    causes: ['the other end is out of memory, or of places'],
    remedies: ['run more agents, or give them more'],
  },
  99: {
    causes: ['an error that the agent did not name'],
    remedies: ["read the agent's log of that time"],
  },
}

const isOwn = (status: number) => status >= 100

function wordsOfStatus(status: number): Words {
  const { causes, remedies } = remote[status] ?? {
    causes: [
      isOwn(status)
        ? "a code of the agent's own (before 3.1 HAProxy makes 99 of it)"
        : 'no document names it',
    ],
    remedies: ["read the agent's documentation or log"],
  }
  const known = remote[status] === undefined ? `status ${status}` : statusText(status)
  return { meaning: `the connection to the agent ended with status ${status}: ${known}`, causes, remedies }
}

const largest = 0x7fff_ffff

/**
 * What a code means: of 1, 2, 3, 4, 5, 255 HAProxy's own, and of 256+N the status N of SPOE.txt 3.5.
 * @throws UsageError `ERR_SLUICE_OPTION` for what is no such number.
 */
export function explainCode(code: number): Explanation {
  if (!Number.isSafeInteger(code) || code < 0 || code > largest) {
    throw new UsageError(
      'ERR_SLUICE_OPTION',
      `a code is a whole number from 0, as in st= of HAProxy's log, not ${code}`,
    )
  }
  if (code >= 256) return { code, ...wordsOfStatus(code - 256) }
  const words = local[code] ?? {
    meaning: 'no HAProxy has this code',
    causes: ['a status of a DISCONNECT frame is shown with 256 added: it may be what you have'],
    remedies: [`sluice inspect explain ${256 + code}`],
  }
  return { code, ...words }
}

/** The codes that there is something to say of, in their order. */
export const explainedCodes: readonly number[] = [
  ...Object.keys(local).map(Number),
  ...Object.keys(remote).map((status) => 256 + Number(status)),
]

/** A code as lines of text. A small code is a status of SPOP, too: its words are added. */
export function formatExplanation({ code, meaning, causes, remedies }: Explanation): string[] {
  const list = (title: string, items: readonly string[]) =>
    items.length === 0 ? [] : [`  ${title}`, ...items.map((each) => `    - ${each}`)]
  const asStatus =
    code > 0 && code in remote
      ? [`  ${code} in a DISCONNECT frame: ${statusText(code)}; HAProxy shows that as ${256 + code}`]
      : []
  const shown = code >= 256 ? `${code} (256+${code - 256})` : String(code)
  return [`${shown}: ${meaning}`, ...list('causes', causes), ...list('what helps', remedies), ...asStatus]
}

/** The codes as a table of Markdown, for docs. */
export function explanationTable(): string {
  const cell = (items: readonly string[]) => items.join('<br>').replaceAll('|', '\\|')
  const rows = explainedCodes.map(explainCode).map(({ code, meaning, causes, remedies }) => {
    const shown = code >= 256 ? `${code} (256+${code - 256})` : String(code)
    return `| ${shown} | ${meaning} | ${cell(causes)} | ${cell(remedies)} |`
  })
  return ['| code | what happened | usual causes | what helps |', '|---|---|---|---|', ...rows, ''].join('\n')
}
