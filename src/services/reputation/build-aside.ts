/** Builds a list where it does not hold up answers. */
import { Worker } from 'node:worker_threads'
import { buildList, type BuildRequest, type BuiltList } from './build.ts'
import type { BuildResult } from './build-thread.ts'

/** Lists up to this size, in bytes, take a millisecond or two; a thread would take more to start. */
const smallList = 65_536

/** @throws Error that says why the list cannot be used. The bytes of the request are gone afterwards. */
export async function buildAside(request: BuildRequest): Promise<BuiltList> {
  if (request.bytes.length <= smallList) return buildList(request)
  const worker = new Worker(new URL('./build-thread.js', import.meta.url), {
    workerData: request,
    transferList: isWhole(request.bytes) ? [request.bytes.buffer] : [],
  })
  const result = await new Promise<BuildResult>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('the thread that read it has ended')))
  })
  void worker.terminate()
  if ('error' in result) throw new Error(result.error)
  return result.built
}

/** Not a piece of memory that others use, too. */
function isWhole({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): boolean {
  return byteOffset === 0 && byteLength === buffer.byteLength
}
