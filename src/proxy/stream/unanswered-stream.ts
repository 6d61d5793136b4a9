import { Flow } from '../plan/flow.ts'
import { ProxyStream } from './stream.ts'

/** A stream that goes nowhere and has nothing more to read: what would answer it, or break it off, is not its own. */
export abstract class UnansweredStream extends ProxyStream {
  reply(): Flow {
    return Flow.Over
  }

  reject(): Flow {
    return Flow.Over
  }

  protected fault(): void {}

  protected releaseServer(): void {}

  get inputOver(): boolean {
    return true
  }
}
