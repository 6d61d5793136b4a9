/** What can go wrong with recordings. */
import { SluiceError, withDetail, type ErrorAbout, type Fault } from '../base/errors.ts'

/** Every code of this layer. */
export const recordingFaults = {
  ERR_RECORDING_FILE: { fault: 'io', message: 'a recording cannot be written or read' },
  ERR_RECORDING_FORMAT: { fault: 'local', message: 'the file is no recording that this version reads' },
  ERR_RECORDING_DAMAGED: { fault: 'io', message: 'the recording is damaged' },
} as const satisfies Record<string, { fault: Fault; message: string }>

/** A code of {@link recordingFaults}. */
export type RecordingErrorCode = keyof typeof recordingFaults

/** A recording that cannot be made or read. */
export class RecordingError extends SluiceError<RecordingErrorCode> {
  constructor(code: RecordingErrorCode, detail?: string, about: Pick<ErrorAbout, 'cause'> = {}) {
    const { fault, message } = recordingFaults[code]
    super(code, withDetail(message, detail), { fault, cause: about.cause })
  }
}
