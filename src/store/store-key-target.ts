import { z } from 'zod'
import { SecretBytes } from '../model/secret-bytes.ts'
import type { Edition } from '../model/version.ts'
import { argvOption } from '../support/argv-option.ts'
import { messageOf, OperatorError } from '../support/operator-error.ts'
import type { Finding, Move, Target, TargetContext, TargetType } from '../targets/target.ts'
import { askRenewal, wrapAlso, wrapIds, wrapOnly } from './key-file.ts'
import { readStoreKey, readStoreKeyBytes, type StoreKeySource, wrapperOf } from './store-key.ts'
import { credentialSource, fileSource, type WritableSource } from './store-key-source.ts'

const schema = z.strictObject({
  install: argvOption
    .optional()
    .describe(
      'Where the store key is a systemd credential: the program that encrypts the new key (descriptor 3, 32 bytes) for the unit.',
    ),
})
type StoreKeyOptions = z.output<typeof schema>

/**
 * Where `store_key` of the configuration says that the key of rekeyd's own store comes from. A key is
 * staged as a second wrap in `store.keys`. The wrap of the key before goes when the new one has been read
 * back from its source: from a file at once, from a credential when rekeyd has started with it. So
 * whichever of the two is there at the next start, it opens the store.
 */
export const storeKeyTarget: TargetType<StoreKeyOptions> = {
  schema: schema.describe("The source of rekeyd's own store key."),
  create: ({ install }, { storeKey, stateDir }) =>
    new StoreKeyTarget(storeKey, writable(storeKey, install), stateDir),
}

function writable(
  source: TargetContext['storeKey'],
  install: readonly string[] | undefined,
): WritableSource {
  if ('file' in source) return fileSource(source.file)
  if (install) return credentialSource(install)
  throw new OperatorError(`the store key is the systemd credential ${source.credential}`, {
    kind: 'config',
    hint: 'say how a new one gets there: `store_key: { install: [/path/to/program] }`',
  })
}

class StoreKeyTarget implements Target {
  readonly type = 'store_key'
  readonly role = 'active'
  readonly part = 'key'
  readonly format = 'raw'
  readonly offline = false
  readonly #source: StoreKeySource
  readonly #written: WritableSource
  readonly #stateDir: string

  constructor(source: StoreKeySource, written: WritableSource, stateDir: string) {
    this.#source = source
    this.#written = written
    this.#stateDir = stateDir
  }

  get place() {
    return this.#written.place
  }

  async check(): Promise<void> {
    await this.#written.check()
    if (this.#shown !== undefined) return
    throw new OperatorError('rekeyd has not started yet with the store key that it installed', {
      kind: 'refused',
      hint: 'restart rekeyd, then rotate again',
    })
  }

  /** What the source holds is a version of the store already: nothing has to be remembered of it. */
  async stage({ edition }: Move): Promise<SecretBytes> {
    const key = await keyOf(edition)
    await wrapAlso(this.#stateDir, readStoreKey(this.#source), wrapperOf(key))
    key.wipe()
    return SecretBytes.copyOf(new Uint8Array())
  }

  async activate({ edition, previous }: Move, _: SecretBytes, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (previous?.version.compromised) askRenewal(this.#stateDir)
    if (!this.#shows(edition)) {
      const [key, before] = [await keyOf(edition), previous && (await keyOf(previous))]
      await this.#written.put(key, before, signal)
      key.wipe()
      before?.wipe()
    }
    await this.#dropOther()
  }

  /** The way back is the activation of the key before: there is always one. */
  async withdraw({ edition }: Move): Promise<void> {
    if (!this.#shows(edition)) return
    throw new OperatorError(`the store's own key is never taken away from ${this.place.path}`)
  }

  async inspect(candidates: readonly Edition[]): Promise<Finding> {
    try {
      if (this.#shown === undefined) return { holds: 'unknown', detail: 'the next start shows it' }
      const found = candidates.find((edition) => this.#shows(edition))
      return found
        ? { holds: 'version', number: found.version.number }
        : { holds: 'something else' }
    } catch (error) {
      return { holds: 'unknown', detail: messageOf(error) }
    }
  }

  async read(): Promise<SecretBytes> {
    return readStoreKeyBytes(this.#source)
  }

  /** Staging would give the key file of the store a second wrap. */
  rehearse(): Promise<void> {
    return this.check()
  }

  async tidy(): Promise<void> {
    await this.#written.tidy()
    await this.#dropOther()
  }

  /** Which key the source has now; undefined while it cannot show what was put there last. */
  get #shown(): string | undefined {
    const { keyId } = readStoreKey(this.#source)
    if (this.#written.showsAtOnce || wrapIds(this.#stateDir).at(-1) === keyId) return keyId
    return undefined
  }

  #shows({ version }: Edition): boolean {
    return version.attributes['key_id'] === this.#shown
  }

  async #dropOther(): Promise<void> {
    if (this.#shown !== undefined) await wrapOnly(this.#stateDir, readStoreKey(this.#source))
  }
}

function keyOf(edition: Edition): Promise<SecretBytes> {
  return edition.bytes('key', 'raw')
}
