/** Termination states of the log in words (configuration.txt 8.5). */

const causes: Readonly<Record<string, string>> = {
  C: 'the client left',
  S: 'the server failed, or could not be had',
  P: 'refused by a rule, or malformed',
  R: 'a limit was reached',
  I: 'a fault of sluice',
  K: 'closed on purpose',
  L: 'answered here',
  c: 'the client was waited for too long',
  s: 'the server was waited for too long',
}

const stages: Readonly<Record<string, string>> = {
  R: 'in the request',
  Q: 'in the queue',
  C: 'while a server was connected to',
  H: 'before the head of the response',
  D: 'while the response was passed on',
  L: 'when only the last bytes were left',
  T: 'in the tarpit',
}

/** `sH`: `the server was waited for too long, before the head of the response`. */
export function describeTermination(state: string): string {
  const cause = causes[state.charAt(0)] ?? state
  const stage = stages[state.charAt(1)]
  return stage === undefined ? cause : `${cause}, ${stage}`
}
