/**
 * Recordings of what an engine asked and was answered, and their replay against another agent.
 *
 * @example
 * ```ts
 * import { createEngine } from 'sluice/engine'
 * import { openRecording, replay } from 'sluice/recording'
 *
 * const engine = createEngine({ servers: ['127.0.0.1:12346'] })
 * const report = await replay([openRecording('traffic.rec')], engine, { rate: { perSecond: 500 } })
 * console.log(report.same, report.different, report.failed)
 * await engine.close()
 * ```
 * @module
 */
export type { ChangeCount, MessageReport, ReplayReport } from './report.ts'
export type { Difference } from './compare.ts'
export { RecordingError, recordingFaults, type RecordingErrorCode } from './errors.ts'
export { latencySteps, type LatencySummary } from './latencies.ts'
export { openRecording, type RecordedExchange, type Recording } from './reader.ts'
export { createRecorder, type Recorder, type RecorderOptions, type RecorderStats } from './recorder.ts'
export { replay, type ReplayOptions, type ReplayRate } from './replay.ts'
