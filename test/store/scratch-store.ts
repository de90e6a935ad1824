import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SecretBytes } from '../../src/model/secret-bytes.ts'
import { createStore } from '../../src/store/create-store.ts'
import type { NewVersion } from '../../src/store/key-store.ts'
import { openStore, type Store, type StoreOptions } from '../../src/store/store.ts'
import { createStoreKeyFile } from '../../src/store/store-key.ts'
import { FakeClock } from '../fakes/fake-clock.ts'

export const alice = { who: 'cli:alice', why: 'test' }

/** A folder with a store key and a state directory, and whatever stores a test opens in it. */
export class ScratchStore {
  readonly folder: string
  readonly options: StoreOptions
  readonly #open = new Set<Store>()

  /** @param folder a folder to use instead of a new one */
  constructor(folder = mkdtempSync(join(tmpdir(), 'rekeyd-store-'))) {
    this.folder = folder
    const file = join(folder, 'store.key')
    createStoreKeyFile(file)
    const stateDir = join(folder, 'state')
    this.options = { stateDir, storeKey: { file }, clock: new FakeClock(), machineId: 'here' }
  }

  get database(): string {
    return join(this.options.stateDir, 'store.db')
  }

  async create(changed: Partial<StoreOptions> = {}): Promise<Store> {
    return this.#track(await createStore({ ...this.options, ...changed }))
  }

  async open(changed: Partial<StoreOptions> = {}): Promise<Store> {
    return this.#track(await openStore({ ...this.options, ...changed }))
  }

  dispose(): void {
    for (const store of this.#open) store.close()
    rmSync(this.folder, { recursive: true, force: true })
  }

  #track(store: Store): Store {
    this.#open.add(store)
    return store
  }
}

/** A version with a secret of its own. */
export function newVersion(material: string, secret: string | Uint8Array = 'secret'): NewVersion {
  const parts = { private_key: SecretBytes.copyOf(Buffer.from(secret)) }
  return { material, origin: 'generated', parts, attributes: { algorithm: 'P-256' } }
}
