/** What the slots of a frontend hold: captured headers and samples, for the log. */
import type { CaptureSlot } from '../../config/model/index.ts'
import type { HeaderList } from '../../http1/index.ts'

/** Text of each slot; undefined until something was captured. */
export type Captured = (string | undefined)[]

/** Takes the headers that slots ask for; of several fields of one name the last one counts (`http_capture_headers`). */
export function captureHeaders(slots: readonly CaptureSlot[], headers: HeaderList): Captured {
  return slots.map(({ header, length }) => {
    const value = header === undefined ? undefined : headers.all(header.text.toLowerCase()).at(-1)
    return value?.slice(0, length)
  })
}
