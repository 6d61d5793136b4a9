/** Connections that are spoilt on purpose, after so many NOTIFYs: an agent has to bear that, too. */

/** What is done to connections, and when. */
export interface Ruin {
  /** Reset after so many NOTIFYs; 0: never. */
  readonly resetAfter: number
  /** Send what is no frame after so many NOTIFYs; 0: never. */
  readonly garbageAfter: number
  /** The next garbage. */
  readonly garbage: () => Buffer
}

/** Whether connections are spoilt at all. */
export function ruins({ resetAfter, garbageAfter }: Ruin): boolean {
  return resetAfter > 0 || garbageAfter > 0
}

/** What is due on a connection that has been asked so often. */
export function ruinDue({ resetAfter, garbageAfter }: Ruin, asked: number): 'reset' | 'garbage' | undefined {
  if (resetAfter > 0 && asked >= resetAfter) return 'reset'
  return garbageAfter > 0 && asked >= garbageAfter ? 'garbage' : undefined
}
