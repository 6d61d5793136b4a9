/** What becomes of a request when something happens to it, as a table. Pure. */
import type { RequestState } from '../codec/state.ts'

/**
 * How much of an answer has come: nothing on STDOUT; some of it; all, by its own account (Content-Length, the last chunk,
 * a status without a body) or by the empty STDOUT; or the empty STDOUT and nothing before it.
 */
export type Answer = 'none' | 'begun' | 'whole' | 'void'

/**
 * What happens: content on STDOUT, and its end; END_REQUEST with REQUEST_COMPLETE, and with another protocol status; the
 * end of the connection; nothing for as long as the application may be silent.
 */
export type Incident = 'stdout' | 'stdoutEnd' | 'ended' | 'refused' | 'lost' | 'silence'

/**
 * `skip`: nothing. `decode`: it is part of the answer. `finish`: the request is over, and has an answer if the decoder says
 * so. `again`: it is sent again where that is allowed, else it fails. `fail`: it fails.
 */
export type Verdict = 'skip' | 'decode' | 'finish' | 'again' | 'fail'

/** What is to be done: a table, told by incidents, for V8 takes five times as long to look up two names. */
export function judge(incident: Incident, answer: Answer): Verdict {
  switch (incident) {
    case 'stdout':
      return answer === 'none' || answer === 'begun' ? 'decode' : 'skip'
    case 'stdoutEnd':
      // With nothing before it, it is not yet an empty response: an application that refuses may say so behind it.
      return answer === 'begun' ? 'decode' : 'skip'
    case 'ended':
      return 'finish'
    case 'refused':
      // Behind the first byte of an answer it is the end of that, whatever it says.
      return answer === 'none' || answer === 'void' ? 'again' : 'finish'
    case 'lost':
      // What has ended STDOUT has run, and nothing but END_REQUEST is missing.
      if (answer === 'none') return 'again'
      return answer === 'begun' ? 'fail' : 'finish'
    case 'silence':
      return answer === 'whole' ? 'finish' : 'fail'
  }
}

/**
 * How much of an answer has come.
 * @param begun - whether a byte of STDOUT has.
 * @param whole - whether the decoder takes the response for complete.
 */
export function answerOf(state: RequestState, begun: boolean, whole: boolean): Answer {
  if (whole) return 'whole'
  if (begun) return 'begun'
  return state === 'replied' || state === 'ending' ? 'void' : 'none'
}
