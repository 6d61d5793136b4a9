/** What a test that drives an agent, or plays HAProxy, may meet. */
import { SluiceError, withDetail, type ErrorAbout, type Fault } from '../base/errors.ts'

/** Every code that `sluice/testing` throws. */
export const testingFaults = {
  ERR_TESTING_TIMEOUT: { fault: 'peer', message: 'nothing came in time' },
  ERR_TESTING_DISCONNECTED: { fault: 'peer', message: 'the agent disconnected' },
  ERR_TESTING_CLOSED: { fault: 'io', message: 'the connection is closed' },
  ERR_TESTING_REFUSED: { fault: 'peer', message: 'HAProxy would not take this' },
  ERR_TESTING_UNEXPECTED: { fault: 'peer', message: 'something else came' },
  ERR_TESTING_SCRIPT: { fault: 'local', message: 'the script asks for what HAProxy would not do' },
  ERR_TESTING_CAPTURE: { fault: 'local', message: 'not a capture' },
} as const satisfies Record<string, { fault: Fault; message: string }>

/** A code of {@link testingFaults}. */
export type TestingErrorCode = keyof typeof testingFaults

/** A test's expectation was not met, or the test itself is wrong. */
export class TestingError extends SluiceError<TestingErrorCode> {
  /** The status of SPOE.txt 3.5 that was received, or that HAProxy would send; undefined where none is involved. */
  readonly status: number | undefined

  constructor(code: TestingErrorCode, detail?: string, about: Pick<ErrorAbout, 'status' | 'cause'> = {}) {
    const { fault, message } = testingFaults[code]
    super(code, withDetail(message, detail), { fault, cause: about.cause })
    this.status = about.status
  }
}
