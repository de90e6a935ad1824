import type { Rotation } from '../model/rotation.ts'
import type { Started } from '../rotation/request.ts'
import { rotationView } from './rotation-view.ts'
import type { RotationView } from './views.ts'

/** The rotations that were asked for and are under way: whoever asked may come back and wait. */
export class StartedRotations {
  readonly #running = new Map<string, Started>()

  /** Resolves as soon as the rotation has an id. */
  async follow(started: Started): Promise<{ readonly id: string }> {
    const id = await started.begun
    this.#running.set(id, started)
    const forget = () => void this.#running.delete(id)
    started.done.then(forget, forget)
    return { id }
  }

  /** What came of it in the end; at once, and undefined, for one that is not under way. */
  async ended(id: string): Promise<Rotation | undefined> {
    return this.#running.get(id)?.done
  }

  async finish(started: Started): Promise<RotationView> {
    return rotationView(await started.done)
  }
}
