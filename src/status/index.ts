/**
 * Status pages: readiness, metrics, a snapshot as JSON, and a live page, on a port beside the traffic. What is told there is
 * a {@link StatusSubject}; an agent is one.
 * @module
 */
export { StatusBoard, type Check, type SourceReading } from './board.ts'
export type { StatusOptions } from './options.ts'
export { StatusPort } from './port.ts'
export type { ProcessReading } from './process-reading.ts'
export type { StatusSnapshot } from './snapshot.ts'
export type { CheckState, ConnectionGroup, ErrorReading, SourceState } from './readings.ts'
export type { LatencyReading, LevelControl, RowReading, StatusSubject, SubjectReading } from './subject.ts'
