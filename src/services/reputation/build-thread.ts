/** The thread that reads a large list: the event loop goes on answering meanwhile. */
import { parentPort, workerData } from 'node:worker_threads'
import { errorMessage } from '../../base/errors.ts'
import { buffersOf, buildList, type BuildRequest, type BuiltList } from './build.ts'

/** What the thread says, once. */
export type BuildResult = { readonly built: BuiltList } | { readonly error: string }

try {
  const built = buildList(workerData as BuildRequest)
  parentPort?.postMessage({ built } satisfies BuildResult, buffersOf(built))
} catch (error) {
  parentPort?.postMessage({ error: errorMessage(error) } satisfies BuildResult)
}
